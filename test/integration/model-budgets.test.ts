import { afterEach, expect, it } from 'vitest'
import { verifyWindows } from './model-windows.ts'
import { POLICY, type Rig, startRig } from './queue-rig.ts'

let rig: Rig
afterEach(() => rig.close())

const ask = (content: string) => ({
  user: 'rich',
  model: 'auto',
  cache: false,
  max_completion_tokens: 500,
  messages: [{ role: 'user' as const, content }],
})

it('a model whose budget is full leaves the work to the next, and is booked in its own windows alone', async () => {
  const policy = POLICY.replace(
    'ladders:',
    '  - { id: dear, scope: { model: gpt-6-astra }, usd: "0.04", per: month }\nladders:',
  )
  rig = await startRig({ policy })
  const served: string[] = []
  for (let i = 0; i < 6; i++) {
    const { receipt } = await rig.client.run(ask(`question ${i}`))
    served.push(receipt.modelServed)
    const touched = receipt.budgets.map(({ budget }) => budget)
    expect(touched.includes('dear')).toBe(receipt.modelServed === 'gpt-6-astra')
    expect(touched).toContain('company')
  }
  expect(served[0]).toBe('gpt-6-astra')
  expect(served.at(-1)).toBe('gpt-6-sol')
  await rig.drain()
  await verifyWindows(rig)
})
