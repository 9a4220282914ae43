import { hash } from 'node:crypto'
import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import { canonicalJson } from '../canonical-json.ts'
import { type Core, lasting, type Spot } from './core.ts'
import { freshnessOf, pauseOf } from './fetch-headers.ts'
import { ownTag, type Placed, userTag } from './places.ts'
import type { DataCache, Fetched, FetchOptions } from './types.ts'

/** A copy of another program's answer. */
const CopySchema = z.object({
  text: z.string(),
  isJson: z.boolean(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  checkedAtMs: z.int(),
  /** Until it may be used without asking. */
  freshUntilMs: z.int(),
  /** Whoever answers wants to be left alone until then. */
  pausedUntilMs: z.int(),
})
type Copy = Readonly<z.infer<typeof CopySchema>>
type Got = Pick<Fetched<unknown>, 'from'> & { readonly copy: Copy }

const DAY_MS = 86_400_000
const TIMEOUT_MS = 10_000
/** Larger answers are no data for a cache. */
const MOST_BYTES = 16 * 1_024 * 1_024

/** One request of one owner. */
interface Asking {
  readonly url: string
  readonly options: FetchOptions<unknown>
  readonly spot: Spot
  readonly at: Placed
}

export function createCachedFetch(core: Core): DataCache['cachedFetch'] {
  const { store, values, sharing, recorder } = core

  async function look({ spot, at }: Asking): Promise<Copy | undefined> {
    const [kept] = await store.get(spot.scope, [at.key])
    if (!kept) return undefined
    return (await values.open(spot, at, kept, (value) => CopySchema.parse(value)))?.value
  }

  async function keep({ spot, at, options }: Asking, copy: Copy): Promise<Copy> {
    const { staleMs = DAY_MS, tags = [], user } = options
    const untilMs = Math.max(copy.freshUntilMs, copy.pausedUntilMs) + staleMs
    const entry = {
      key: at.key,
      value: await values.write(spot.of, at, copy),
      ttlMs: lasting(Math.max(Math.ceil(untilMs - Date.now()), 1)),
      tags: [...tags.map(ownTag), ...(user === undefined ? [] : [userTag(user)])],
    }
    await store.put(spot.scope, [entry])
    return copy
  }

  async function load(asking: Asking, before: Copy | undefined): Promise<Got> {
    const answer = await receive(asking, before).catch((cause: unknown) => {
      if (!before) throw failed(asking.url, messageOf(cause), cause)
      return null
    })
    if (answer === null) return lastCopy(asking, before, 0)
    const { response } = answer
    const nowMs = Date.now()
    if (response.status === 304 && before) {
      const copy = { ...before, checkedAtMs: nowMs, freshUntilMs: freshUntil(asking, response) }
      return { from: 'revalidated', copy: await keep(asking, { ...copy, pausedUntilMs: 0 }) }
    }
    if (response.ok) {
      return { from: 'fetched', copy: await take(asking, copyOf(asking, answer), response.headers) }
    }
    const pauseMs = response.status >= 500 ? 0 : pauseOf(response, answer.text, nowMs)
    if (pauseMs !== null && before) return lastCopy(asking, before, pauseMs)
    throw failed(asking.url, `it answered ${response.status}`, undefined, response.status)
  }

  /** The last copy instead of an answer; nobody is asked again before the pause is over. */
  async function lastCopy(asking: Asking, before: Copy | undefined, pauseMs: number): Promise<Got> {
    if (!before) throw failed(asking.url, 'it did not answer')
    const { of, tenant } = asking.spot
    recorder.count({ namespace: of.name, tenant }, 'stale')
    if (pauseMs === 0) return { from: 'stale', copy: before }
    const paused = { ...before, pausedUntilMs: Date.now() + pauseMs }
    return { from: 'stale', copy: await keep(asking, paused) }
  }

  async function take(asking: Asking, copy: Copy, headers: Headers): Promise<Copy> {
    const { keep: mayKeep, isPrivate } = freshnessOf(headers)
    if (mayKeep && !(isPrivate && asking.spot.of.shared)) return keep(asking, copy)
    // What was kept before is no longer the answer.
    await store.drop(asking.spot.scope, [asking.at.key])
    return copy
  }

  async function get(asking: Asking): Promise<Got> {
    const { of, tenant } = asking.spot
    const reader = { namespace: of.name, tenant }
    const startedMs = performance.now()
    const first = await look(asking)
    recorder.time(reader, performance.now() - startedMs)
    if (first && mayServe(first)) {
      const isFresh = first.freshUntilMs > Date.now()
      recorder.count(reader, 'hits')
      recorder.count(reader, 'bytes', first.text.length)
      if (!isFresh) recorder.count(reader, 'stale')
      return { from: isFresh ? 'cache' : 'stale', copy: first }
    }
    recorder.count(reader, 'misses')
    let before = first
    return sharing.run<Got>(asking.at, {
      async look() {
        before = await look(asking)
        return before && mayServe(before) ? { from: 'cache', copy: before } : undefined
      },
      load: () => load(asking, before),
      onJoined: () => recorder.count(reader, 'joined'),
    })
  }

  return async function cachedFetch<T>(url: string | URL, options: FetchOptions<T>) {
    const spot = await core.spot(options.namespace, options)
    const at = spot.at(keyOf(String(url), options.headers))
    const { copy, from } = await get({ url: String(url), options, spot, at })
    const value = copy.isJson ? JSON.parse(copy.text) : copy.text
    const { parse } = options
    return { value: parse ? parse(value) : value, from, checkedAtMs: copy.checkedAtMs }
  }
}

const mayServe = ({ freshUntilMs, pausedUntilMs }: Copy): boolean =>
  Math.max(freshUntilMs, pausedUntilMs) > Date.now()

/** Who asks with another key, or for another form, gets an answer of their own; no header is readable in a key. */
function keyOf(url: string, headers: FetchOptions<unknown>['headers'] = {}): string {
  const sent = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  const digest = hash('sha256', canonicalJson([url, Object.fromEntries(sent)]))
  return `fetch/${digest.slice(0, 40)}`
}

/** The namespace's time, or less where the answer says so. */
function freshUntil({ spot, options }: Asking, { headers }: Response): number {
  const mostMs = lasting(options.ttlMs ?? spot.of.ttlMs)
  return Date.now() + Math.min(freshnessOf(headers).maxAgeMs ?? mostMs, mostMs)
}

interface Answer {
  readonly response: Response
  readonly text: string
}

/** Asks, and reads all of the answer: one that is cut short is none. */
async function receive({ url, options }: Asking, before: Copy | undefined): Promise<Answer> {
  const headers = new Headers(options.headers)
  if (before?.etag) headers.set('if-none-match', before.etag)
  else if (before?.lastModified) headers.set('if-modified-since', before.lastModified)
  const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS)
  const response = await fetch(url, { headers, signal })
  return { response, text: await readText(response) }
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MOST_BYTES) throw new RangeError(`its answer has more than ${MOST_BYTES} bytes`)
    parts.push(part)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

function copyOf(asking: Asking, { response, text }: Answer): Copy {
  const { headers } = response
  return {
    text,
    isJson: /[/+]json\b/.test(headers.get('content-type') ?? ''),
    ...{ etag: headers.get('etag'), lastModified: headers.get('last-modified') },
    ...{ checkedAtMs: Date.now(), freshUntilMs: freshUntil(asking, response), pausedUntilMs: 0 },
  }
}

function failed(url: string, why: string, cause?: unknown, status?: number): BursarError {
  // What follows the host may hold a key.
  const where = URL.canParse(url) ? new URL(url).host : 'the address'
  return new BursarError(
    'FETCH_FAILED',
    `${where} could not be asked, and there is no copy to serve instead: ${why}`,
    {
      cause,
      retryable: status === undefined || status >= 500 || status === 429,
      detail: { status },
    },
  )
}
