import { expect, test } from 'vitest'
import { windowAt } from '../../src/admission/windows.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { NOBODY } from '../helpers/nobody.ts'
import { startRig } from './queue-rig.ts'

test('a provider that cannot be reached costs nothing, and the caller is told which', async () => {
  const rig = await startRig({ overrides: { sandbox: { url: `${NOBODY}/v1` } } })
  try {
    const asked = rig.client.run({
      user: 'u42',
      jobId: 'unreachable',
      model: 'auto',
      messages: [{ role: 'user', content: 'Explain recursion' }],
    })
    await expect(asked).rejects.toMatchObject({
      code: 'PROVIDER_ERROR',
      message: expect.stringContaining('providers.openai.base_url'),
    })
    await rig.drain()
    const [company] = await rig.runtime.store.peek([
      `company:${windowAt({ per: 'month' }, 'UTC', Date.now()).id}`,
    ])
    expect(company).toMatchObject({ spentNano: 0, heldNano: 0 })
    const request = await getRequest(rig.runtime.ledger, 'unreachable')
    expect(request?.end?.outcome).toBe('failed')
    expect(request?.attempts.map(({ status, costNano }) => ({ status, costNano }))).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'confirmed', costNano: 0 })),
    )
  } finally {
    await rig.close()
  }
})
