import type OpenAI from 'openai'
import type { ProviderPolicy } from '../config/policy-types.ts'
import { SteadyClient } from './steady-client.ts'

interface Entry {
  readonly policy: ProviderPolicy
  readonly client: OpenAI
}

const isSame = (a: ProviderPolicy, b: ProviderPolicy): boolean =>
  a === b || (a.baseUrl === b.baseUrl && a.apiKey === b.apiKey)

/** The SDK refuses an empty key; servers that ask for none ignore what they get. */
const NO_KEY = 'none'

const connect = (policy: ProviderPolicy, fetch: typeof globalThis.fetch): OpenAI =>
  new SteadyClient({
    baseURL: policy.baseUrl,
    apiKey: policy.apiKey || NO_KEY,
    fetch,
    // One hold pays for one send: the queue retries, the SDK never does.
    maxRetries: 0,
    // It would log what it cannot parse, and that is somebody's answer.
    logLevel: 'off',
    // Otherwise read from the environment, and sent to every provider alike.
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
  })

/** One SDK client per provider, made anew when its address or key in the policy changes. */
export function createClients(fetch: typeof globalThis.fetch): (policy: ProviderPolicy) => OpenAI {
  const entries = new Map<string, Entry>()
  return (policy) => {
    const known = entries.get(policy.name)
    if (known && isSame(known.policy, policy)) return known.client
    const client = connect(policy, fetch)
    entries.set(policy.name, { policy, client })
    return client
  }
}
