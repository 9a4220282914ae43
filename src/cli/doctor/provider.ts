import { z } from 'zod'
import type { Options } from '../../config/options.ts'
import type { Policy, ProviderPolicy } from '../../config/policy-types.ts'
import { messageOf } from '../../errors.ts'
import { usesSandbox } from '../start.ts'
import { type Finding, ok, warn, wrong } from './finding.ts'

const PATIENCE_MS = 5_000
const ModelList = z.object({ data: z.array(z.object({ id: z.string() })) })

/** Sent when the policy has no key, as the provider's client does: servers that ask for none ignore it. */
const NO_KEY = 'none'

/** Asks every provider of the policy for its models: free of charge, and it proves address and key. */
export const examineProviders = (policy: Policy, options: Options): Promise<Finding[]> =>
  Promise.all(
    Object.values(policy.providers).map((provider) => {
      const simulated = provider.apiKey === '' && provider.prices === 'book' && usesSandbox(options)
      return simulated ? simulatedBy(provider) : examineProvider(provider)
    }),
  )

const simulatedBy = ({ name }: ProviderPolicy): Finding =>
  warn(
    `provider ${name}`,
    'has no key: the sandbox answers, and nothing is billed',
    `set OPENAI_API_KEY, or providers.${name}.key in the policy, for real answers`,
  )

async function examineProvider(provider: ProviderPolicy): Promise<Finding> {
  const check = `provider ${provider.name}`
  const url = `${provider.baseUrl.replace(/\/$/, '')}/models`
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${provider.apiKey || NO_KEY}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return await judgeAnswer(check, provider, response)
  } catch (error) {
    return wrong(
      check,
      `${url} does not answer (${reasonOf(error)})`,
      `check providers.${provider.name}.base_url in the policy, and that the network reaches it`,
    )
  }
}

/** `fetch failed` says nothing; its cause does. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error)

async function judgeAnswer(
  check: string,
  { name, baseUrl, apiKey }: ProviderPolicy,
  response: Response,
): Promise<Finding> {
  const key = apiKey === '' ? 'no key' : 'the key'
  if (response.status === 401 || response.status === 403) {
    const mend = `set providers.${name}.key in the policy, or the variable that it names`
    await response.body?.cancel()
    return wrong(check, `${baseUrl} refuses ${key} (${response.status})`, mend)
  }
  const models = ModelList.safeParse(await response.json().catch(() => null))
  if (response.ok && models.success) {
    return ok(check, `${baseUrl} answers with ${key}; ${models.data.data.length} models`)
  }
  return warn(
    check,
    `${baseUrl}/models answers ${response.status}, not a list of models`,
    `check that providers.${name}.base_url ends where the OpenAI API begins, usually /v1`,
  )
}
