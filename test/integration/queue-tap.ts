import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Fault } from '../../sandbox/faults.ts'

/** What a call through the tap says of itself. */
export interface TappedCall {
  readonly attempt: string
  readonly model: string
  /** Last message, or the input. */
  readonly text: string
}

/** Decides what happens to a call: a fault of the sandbox, a wait before it is passed on, or nothing. */
export type Decide = (call: TappedCall) => Decision | undefined
export interface Decision {
  readonly fault?: Fault
  readonly wait?: Promise<unknown>
  /** Rewrites what a 429 asks for. */
  readonly retryAfterMs?: number
}

export interface Tap {
  readonly url: string
  readonly calls: readonly TappedCall[]
  decide: Decide
  /** Resolves when `count` calls have arrived in all. */
  arrived(count: number): Promise<void>
  /** Resolves when `count` answers were handed to the network in all. */
  answered(count: number): Promise<void>
  close(): Promise<void>
}

/** A proxy in front of the sandbox that sees every send, and may hold it or make it go wrong. */
export async function startTap(target: string): Promise<Tap> {
  const calls: TappedCall[] = []
  let answers = 0
  const listeners = new Set<() => void>()
  const server = createServer((from, to) => void pass(from, to).catch(() => to.destroy()))

  const tell = () => {
    for (const listener of listeners) listener()
  }
  const reached = (count: number, have: () => number): Promise<void> =>
    new Promise((resolve) => {
      const look = () => {
        if (have() < count) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
    })

  async function pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of from) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const call = readCall(from, body)
    calls.push(call)
    tell()
    const { fault, wait, retryAfterMs } = tap.decide(call) ?? {}
    await wait
    const url = new URL(target)
    const onward = request(
      {
        host: url.hostname,
        port: url.port,
        path: from.url,
        method: from.method,
        headers: { ...from.headers, ...(fault && { 'x-sandbox-fault': fault }) },
      },
      (answer) => {
        const later = retryAfterMs === undefined ? {} : { 'retry-after-ms': String(retryAfterMs) }
        to.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...later })
        answer.on('error', () => to.destroy()).on('aborted', () => to.destroy())
        answer.pipe(to)
      },
    )
    onward.on('error', () => to.destroy())
    to.on('close', () => onward.destroy()).on('finish', () => {
      answers += 1
      tell()
    })
    onward.end(body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const tap: Tap = {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    decide: () => undefined,
    arrived: (count) => reached(count, () => calls.length),
    answered: (count) => reached(count, () => answers),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return tap
}

function readCall(from: IncomingMessage, body: Buffer): TappedCall {
  const json = JSON.parse(body.toString() || '{}')
  // Whatever a caller wrote there goes on as it is: what is wrong with it, the provider says.
  const messages = Array.isArray(json.messages) ? json.messages : []
  const text = messages.at(-1)?.content ?? json.input ?? ''
  return { attempt: String(from.headers['x-bursar-attempt'] ?? ''), model: json.model ?? '', text }
}
