import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyPolicy } from '../../src/cli/replay/policy-copy.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const URL_OF_SANDBOX = 'http://127.0.0.1:4010/v1'
const env = { OPENAI_API_KEY: 'sk-real', LOCAL_URL: 'http://gpu.example/v1' }

test('no address and no key of the policy is left, paid or not', async () => {
  const text = (await copyPolicy('bursar.yaml', env)).write(URL_OF_SANDBOX, 4_000)
  expect(text).not.toMatch(/openai\.com|OPENAI_API_KEY|LOCAL_URL|sk-real|gpu\.example/)
  const { providers } = parsePolicy(text, { env, prices: createPriceBook })
  expect(Object.keys(providers)).toEqual(['openai', 'local'])
  for (const { baseUrl, apiKey, timeoutMs } of Object.values(providers)) {
    expect({ baseUrl, apiKey, timeoutMs }).toEqual({
      baseUrl: URL_OF_SANDBOX,
      apiKey: 'sandbox',
      timeoutMs: 4_000,
    })
  }
})

test('everything else is as it was written', async () => {
  const { policy, globalBudget } = await copyPolicy('bursar.yaml', env)
  expect(globalBudget).toBe('company')
  expect(policy.budgets.map(({ id }) => id)).toEqual(['company', 'acme', 'tutor'])
  expect(policy.tiers.basic?.budget?.windows[0]?.limitNano).toBe(5_000_000_000)
})

const SMALL = `
version: 1
identity: { default_tier: basic }
tiers: { basic: { ladder: only } }
ladders: { only: [{ model: MODEL }] }
providers: { openai: { base_url: "https://api.openai.com/v1", key: "\${OPENAI_API_KEY}" } }
`

async function copyOf(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-policy-'))
  const file = join(folder, 'small.yaml')
  await writeFile(file, text)
  try {
    return await copyPolicy(file, env)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('a policy without a global budget gets one that counts everything', async () => {
  const { policy, globalBudget } = await copyOf(SMALL.replace('MODEL', 'gpt-6-sol'))
  expect(policy.budgets).toMatchObject([{ id: globalBudget, scope: { kind: 'global' } }])
})

test('a model that the sandbox does not know is refused before anything starts', async () => {
  await expect(copyOf(SMALL.replace('MODEL', 'gpt-5'))).rejects.toMatchObject({
    code: 'INVALID_POLICY',
    message: expect.stringMatching(/does not know gpt-5: give --policy .*gpt-6-luna/),
  })
})
