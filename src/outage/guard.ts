import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import { Ring } from '../collections/ring.ts'
import { BursarError, isBursarError, messageOf } from '../errors.ts'
import { createDeadlines, type Deadlines } from './deadlines.ts'

/** Whoever asks is answered or refused within this time, whatever Redis does: a second, and what else a call takes. */
export const ANSWER_WITHIN_MS = 800
/** Failures in a row after which nobody waits for a time-out any more. */
const FAILURES = 3
/** How often it is asked whether Redis is back, and how long it may take to say so. */
const PROBE_EVERY_MS = 250
const PROBE_WITHIN_MS = 500
/** How often it is asked whether Redis is there, while somebody waits for an answer and nothing else is asked. */
const BEAT_EVERY_MS = 100
const RETRY_AFTER_MS = 1_000

/** What stands between callers and a Redis that may be away. */
export interface Guard {
  /** Since when Redis is away, ms since 1970; null = it answers. */
  readonly openSinceMs: number | null
  /**
   * Runs something that asks Redis.
   * @throws {BursarError} STORE_UNAVAILABLE, retryable, with `retryAfterMs`: at once while Redis is away, after
   * `ANSWER_WITHIN_MS` when it does not answer; what became of the work is then unknown.
   */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Another question that Redis must answer before it counts as back. @returns takes it back. */
  probe(ask: () => Promise<unknown>): () => void
  /** Somebody waits, and wants to know soon when Redis goes. @returns nobody waits any more. */
  watch(): () => void
  /** Told when Redis goes and when it is back. @returns stops it. */
  onChange(listener: (isAway: boolean) => void): () => void
  close(): void
}

export interface GuardEvents {
  /** Told once each time, with why. */
  readonly onAway?: (reason: string) => void
  readonly onBack?: (awayMs: number) => void
}

const isAway = (error: unknown): boolean => isBursarError(error, 'STORE_UNAVAILABLE')

/** One breaker for everything in a process that asks Redis. It probes by itself: no caller is the one who tries. */
export function createGuard({ onAway, onBack }: GuardEvents = {}): Guard {
  const listeners = new Ring<(isAway: boolean) => void>()
  const probes = new Set<() => Promise<unknown>>()
  const breaker = circuitBreaker(handleWhen(isAway), {
    halfOpenAfter: 0,
    breaker: new ConsecutiveBreaker(FAILURES),
  })
  const answers = deadlinesOf(ANSWER_WITHIN_MS)
  const looks = deadlinesOf(PROBE_WITHIN_MS)
  /** Whether the last that was heard of Redis was that it is away. */
  let isDoubted = false
  let openSinceMs: number | null = null
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let changes = 0

  const tell = (away: boolean) => {
    changes += 1
    if (closed) return
    // One may leave, or another come, while they are told.
    for (const listener of [...listeners]) listener(away)
  }
  breaker.onBreak((why) => {
    if (openSinceMs !== null || closed) return
    openSinceMs = Date.now()
    onAway?.('error' in why ? messageOf(why.error) : 'it was taken away')
    probeSoon()
    tell(true)
  })
  breaker.onReset(() => {
    const awayMs = openSinceMs === null ? 0 : Date.now() - openSinceMs
    openSinceMs = null
    onBack?.(awayMs)
    tell(false)
  })

  function probeSoon(): void {
    if (closed || timer) return
    // What waits for Redis to come back keeps no process alive.
    timer = setTimeout(() => void askAgain(), PROBE_EVERY_MS).unref()
  }
  const askEach = (deadlines: Deadlines) =>
    deadlines.within(
      Promise.all([...probes].map((ask) => ask())).catch((error: unknown) => {
        throw away(messageOf(error), error)
      }),
    )
  async function askAgain(): Promise<void> {
    timer = undefined
    await breaker.execute(() => askEach(looks)).catch(probeSoon)
  }

  /** Of work that began while Redis was there: once it is away, only probes say that it is back. */
  async function report(outcome: () => Promise<void>): Promise<void> {
    if (breaker.state === CircuitState.Closed) await breaker.execute(outcome).catch(() => {})
  }

  let waiting = 0
  let beats: NodeJS.Timeout | undefined
  /** A Redis that takes as long as a command may is there. */
  async function beat(): Promise<void> {
    if (openSinceMs !== null) return
    const asked = askEach(answers)
    const before = changes
    await asked.catch(() => {})
    // One that was asked before Redis went says nothing of a Redis that is back.
    if (changes === before) await breaker.execute(() => asked).catch(() => {})
  }

  return {
    get openSinceMs() {
      return openSinceMs
    },
    async run(work) {
      if (breaker.state !== CircuitState.Closed) throw away('it has not for a while')
      try {
        const answer = await answers.within(work())
        // The breaker counts failures in a row, and need not hear of each success.
        if (isDoubted) {
          isDoubted = false
          await report(async () => {})
        }
        return answer
      } catch (error) {
        if (isAway(error)) {
          isDoubted = true
          await report(() => Promise.reject(error))
          // Who asks rarely would find out one by one, each after a time-out.
          probeSoon()
        }
        throw told(error)
      }
    },
    probe(ask) {
      probes.add(ask)
      return () => void probes.delete(ask)
    },
    watch() {
      waiting += 1
      beats ??= setInterval(() => void beat(), BEAT_EVERY_MS).unref()
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        waiting -= 1
        if (waiting > 0) return
        clearInterval(beats)
        beats = undefined
      }
    },
    onChange(listener) {
      const link = listeners.add(listener)
      return () => void link.leave()
    },
    close() {
      closed = true
      clearTimeout(timer)
      clearInterval(beats)
    },
  }
}

/** Says when to come back, whoever found out that Redis is away. */
function told(error: unknown): unknown {
  if (!isBursarError(error, 'STORE_UNAVAILABLE') || 'retryAfterMs' in error.detail) return error
  const { code, message, detail, cause } = error
  return new BursarError(code, message, {
    cause,
    retryable: true,
    detail: { ...detail, redisAway: true, retryAfterMs: RETRY_AFTER_MS },
  })
}

const away = (why: string, cause?: unknown): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `Redis does not answer (${why}): send it again in a second, under the same jobId if it has one`,
    { cause, retryable: true, detail: { redisAway: true, retryAfterMs: RETRY_AFTER_MS } },
  )

const deadlinesOf = (limitMs: number): Deadlines =>
  createDeadlines(limitMs, () => away(`no reply within ${limitMs} ms`))
