import OpenAI, { type ClientOptions } from 'openai'
import { type CallsHere, startCallsHere } from '../../src/gateway/calls-here.ts'
import { type Gateway, startGateway } from '../../src/gateway/server.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { POLICY, type Rig, startRig } from '../integration/queue-rig.ts'

/** Users of `inline` are called for by the gateway itself; `broke` has no money, `slow` one request an hour. */
export const SDK_POLICY = POLICY.replace(
  'users: { rich: premium }',
  'users: { rich: premium, here: inline, broke: broke, slow: slow }',
)
  .replace('attempts: 3', 'attempts: 1')
  .replace('ttl: 1h', 'ttl: 1h, pure_tools: [look_up]')
  .replace(
    'tiers:\n',
    `tiers:
  inline: { budget: { usd: "500", per: hour }, ladder: standard, models: ["*"], execute: inline }
  broke:  { budget: { usd: "0", per: hour }, ladder: standard, on_exhausted: refuse }
  slow:   { requests: { limit: 1, per: hour }, ladder: standard }
`,
  )
  .replaceAll(
    'ladder: standard, on_exhausted: park }',
    'ladder: standard, models: ["*"], on_exhausted: park }',
  )

/** A whole Bursar behind a gateway, and the provider behind it. */
export interface OpenAiRig extends Rig {
  readonly gateway: Gateway
  /** With `/v1`. */
  readonly url: string
  /** A gateway over the same parts that wants keys; with `/v1`. */
  readonly lockedUrl: string
  /** Each SDK retries nothing, unless a test says so. */
  sdk(options?: ClientOptions): OpenAI
}

export async function startOpenAiRig(policy: string = SDK_POLICY): Promise<OpenAiRig> {
  const rig = await startRig({ policy })
  const { runtime } = rig
  const here: CallsHere = await startCallsHere(runtime)
  const client = clientOf(runtime, undefined, here)
  const gateway = await startGateway({ runtime, client, port: 0 })
  const options = { ...runtime.options, BURSAR_AUTH: 'required' as const }
  const locked = await startGateway({ runtime: { ...runtime, options }, client, port: 0 })
  const url = `${gateway.url}/v1`
  return {
    ...rig,
    gateway,
    url,
    lockedUrl: `${locked.url}/v1`,
    sdk: (more = {}) => new OpenAI({ baseURL: url, apiKey: 'any', maxRetries: 0, ...more }),
    async close() {
      await Promise.all([gateway.close(), locked.close()])
      await here.close()
      await client.close()
      await rig.close()
    },
  }
}
