import { connect, type Socket } from 'node:net'

/** Where load goes, and what each request is. */
export interface Target {
  readonly name: string
  /** e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The body of the next request, as JSON. */
  body(): string
}

/** What a load came to. */
export interface Load {
  /** ms of every request that was answered with 200, in no order. */
  readonly tookMs: readonly number[]
  /** Status -> how many were answered otherwise. */
  readonly others: ReadonlyMap<number, number>
  /** How long it lasted, s. */
  readonly seconds: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** One answer, as far as it has come. @returns its status once it is whole, else null. */
function wholeStatus(bytes: Buffer): number | null {
  const at = bytes.indexOf(HEAD_END)
  if (at < 0) return null
  const head = bytes.toString('latin1', 0, at)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return bytes.length >= at + 4 + Number(length) ? status : null
  return bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) ? status : null
}

/**
 * Keeps `connections` busy with one request each. By sockets of its own: an HTTP client would cost as much as what it
 * measures, on the same cores.
 */
export async function load(
  target: Target,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  const tookMs: number[] = []
  const others = new Map<number, number>()
  const lane = () =>
    drive(target, untilMs, (status, ms) => {
      if (status === 200) tookMs.push(ms)
      else others.set(status, (others.get(status) ?? 0) + 1)
    })
  await Promise.all(Array.from({ length: connections }, lane))
  return { tookMs, others, seconds: (performance.now() - startMs) / 1_000 }
}

function drive(
  target: Target,
  untilMs: number,
  tell: (status: number, ms: number) => void,
): Promise<void> {
  const { hostname, port, host } = new URL(target.url)
  const lines = Object.entries(target.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${target.path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n${lines.join('')}`
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    let sentMs = 0
    const send = (socket: Socket) => {
      const body = target.body()
      sentMs = performance.now()
      socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
    }
    const socket = connect(Number(port), hostname, () => send(socket))
    socket.setNoDelay()
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.on('data', (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      const status = wholeStatus(bytes)
      if (status === null) return
      bytes = Buffer.alloc(0)
      const nowMs = performance.now()
      tell(status, nowMs - sentMs)
      if (nowMs < untilMs) send(socket)
      else socket.destroy()
    })
  })
}

/** @param share - 0.5 = the median. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
