import OpenAI, { type ClientOptions } from 'openai'
import { WireHeaders } from './wire-headers.ts'

type Built = Awaited<ReturnType<OpenAI['buildRequest']>>
type Asked = Parameters<OpenAI['buildRequest']>[0]

/** What all requests to one address have in common. */
interface Steady {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The SDK for many requests to few addresses. Left alone it works out address and headers of each anew, with the
 * platform's own `URL` and `Headers`, and gives each a timer and a signal: that takes longer than sending it. Here the
 * SDK does so once for each address, and whoever calls bounds the call.
 */
export class SteadyClient extends OpenAI {
  readonly #fetch: typeof globalThis.fetch
  /** It tells its name to providers, which is not to be ours. */
  readonly #plain: OpenAI
  readonly #steady = new Map<string, Promise<Steady>>()

  constructor(options: ClientOptions & { readonly fetch: typeof globalThis.fetch }) {
    super(options)
    this.#fetch = options.fetch
    this.#plain = new OpenAI(options)
  }

  /** What was asked for as JSON, with the headers of the SDK and those of this request. */
  override async buildRequest(asked: Asked): Promise<Built> {
    const { method, path, body } = asked
    const { url, headers } = await this.#steadyOf(path)
    const sent = new WireHeaders({ ...headers, ...ownHeaders(asked) })
    // The SDK looks into none of it: it hands it to `fetch`, which is ours.
    const req = { method, headers: sent, body: JSON.stringify(body) } as unknown as Built['req']
    return { req, url, timeout: this.timeout }
  }

  override fetchWithTimeout(
    ...[url, init]: Parameters<OpenAI['fetchWithTimeout']>
  ): Promise<Response> {
    return this.#fetch(url, init)
  }

  #steadyOf(path: string): Promise<Steady> {
    const known = this.#steady.get(path)
    if (known) return known
    const steady = this.#plain
      .buildRequest({ method: 'post', path, body: {} })
      .then(({ url, req }) => ({ url, headers: Object.fromEntries(req.headers) }))
    this.#steady.set(path, steady)
    return steady
  }
}

/** Those of a single request are written as an object, see provider.ts. */
function ownHeaders({ headers }: Asked): Readonly<Record<string, string>> {
  const all: [string, string][] = []
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'string') all.push([name, value])
  }
  return Object.fromEntries(all)
}
