import { type Gateway, type GatewayOptions, startGateway } from '../../src/gateway/server.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { type Rig, type RigOptions, startRig } from './queue-rig.ts'

/** A whole Bursar with a gateway in front, on any free port. */
export interface GatewayRig extends Rig {
  readonly gateway: Gateway
  readonly url: string
  /** One request by plain `fetch`; JSON bodies are read. */
  ask(path: string, init?: RequestInit): Promise<Asked>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Asked>
}

export interface Asked {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any JSON
  readonly body: any
}

export async function startGatewayRig(
  options: RigOptions = {},
  gatewayOptions: Partial<GatewayOptions> = {},
): Promise<GatewayRig> {
  const rig = await startRig(options)
  const { runtime } = rig
  const client = clientOf(runtime)
  const gateway = await startGateway({ runtime, client, port: 0, ...gatewayOptions })
  const { url } = gateway
  const ask = (path: string, init: RequestInit = {}) => askAt(url + path, init)
  return {
    ...rig,
    gateway,
    url,
    ask,
    post: (path, body, headers = { 'content-type': 'application/json' }) =>
      ask(path, {
        method: 'POST',
        headers,
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    async close() {
      await gateway.close()
      await client.close()
      await rig.close()
    },
  }
}

async function askAt(url: string, init: RequestInit): Promise<Asked> {
  const response = await fetch(url, init)
  const { status, headers } = response
  const text = await response.text()
  const json = headers.get('content-type')?.startsWith('application/json')
  return { status, headers, body: json ? JSON.parse(text) : text }
}
