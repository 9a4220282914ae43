import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProvider } from '../../src/provider/provider.ts'
import { newHold, policyFor } from './provider-helpers.ts'

/** A request as it came over the wire. */
interface Came {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

const ANSWER = JSON.stringify({
  ...{ id: 'a1', object: 'chat.completion', model: 'gpt-6-astra' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
})

describe('what goes over the wire', () => {
  const came: Came[] = []
  let server: Server
  let url = ''
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = ''
      request
        .setEncoding('utf8')
        .on('data', (part: string) => {
          text += part
        })
        .on('end', () => {
          const { method, url: path, headers } = request
          came.push({ method, url: path, headers, body: JSON.parse(text) })
          response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER)
        })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  /** What `fetch` adds by itself: which encodings it reads, and what browsers say. */
  const OF_FETCH = new Set(['connection', 'accept-encoding', 'accept-language', 'sec-fetch-mode'])
  const told = ({ method, url: path, headers, body }: Came, own: string) => {
    const named = Object.entries(headers).filter(([name]) => !OF_FETCH.has(name))
    const text = JSON.stringify(Object.fromEntries(named.toSorted()))
    return { method, path, headers: text.replaceAll(own, 'ATTEMPT'), body }
  }

  it('is what the SDK sends by itself, header by header, the first time and the next', async () => {
    const policy = policyFor(url)
    const provider = createProvider({ providers: { sandbox: policy } })
    const bare = new OpenAI({ baseURL: url, apiKey: policy.apiKey, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'Grüße' }]
    try {
      for (let round = 0; round < 2; round += 1) {
        const hold = newHold()
        const outcome = await provider.call(hold, {
          ...{ operation: 'chat.completions', provider: 'sandbox', model: 'gpt-6-astra' },
          ...{ body: { messages }, outputCapTokens: 64, reasoningEffort: null, serviceTier: null },
          stream: false,
        })
        expect(outcome.seen).toBe('answer')
        const headers = {
          'x-bursar-attempt': hold.attemptId,
          'idempotency-key': hold.attemptId,
        }
        await bare.chat.completions.create(
          { messages, model: 'gpt-6-astra', max_completion_tokens: 64, stream: false },
          { headers },
        )
        const [ours, theirs] = came.splice(0).map((one) => told(one, hold.attemptId))
        expect(ours).toEqual(theirs)
        expect(ours?.headers).toContain('Bearer sk-test')
        expect(ours?.headers).toContain('x-stainless-retry-count')
      }
    } finally {
      await provider.close()
    }
  })
})
