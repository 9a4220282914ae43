import { LRUCache } from 'lru-cache'
import type { GovernedRequest } from '../admission/plan-types.ts'
import { bodyOn, keyOn, requestIdOn } from '../queue/asked-with.ts'
import type { Rules } from '../queue/context.ts'
import { exactText } from '../queue/exact-text.ts'
import { bodyOf, type RequestOptions, readRequest } from '../queue/request.ts'
import { type Terms, termsOf } from '../queue/terms.ts'
import type { Request } from './types.ts'

/** A request as it was read, and what the rules say of it. */
export interface Reading {
  readonly request: GovernedRequest
  readonly options: RequestOptions
  readonly terms: Terms
  /** Remembers it for whoever asks the same in the same words. */
  keep(): void
}

/** What this process has read: requests that come again in the same words are not worked out again. */
export interface Readings {
  /** @throws {BursarError} as `readRequest` does. */
  read(input: Request, rules: Rules, nowMs: number): Reading
}

/** A longer one costs more to recognise than it costs to read. */
const LONGEST_CHARS = 8_192
const MOST_CHARS = 4 * 1_024 * 1_024
/** Roughly what an entry costs beside its text. */
const ENTRY_CHARS = 1_024

type Known = Pick<Reading, 'options' | 'terms'> & {
  readonly request: Omit<GovernedRequest, 'body'>
}

/**
 * Requests are told apart by all that their app wrote, which holds what keeps answers apart: whoever is found here is
 * the same user, asking for the same. What is known is forgotten with the rules that it follows from.
 */
export function createReadings(): Readings {
  const known = new LRUCache<string, Known>({
    maxSize: MOST_CHARS,
    sizeCalculation: (_, text) => text.length + ENTRY_CHARS,
  })
  let of: Rules | null = null

  return {
    read(input, rules, nowMs) {
      if (rules !== of) known.clear()
      of = rules
      const text = wordsOf(input)
      const before = text === null ? undefined : known.get(text)
      if (before) return recalled(before, input)
      const { request, options } = readRequest(input, rules.policy, nowMs)
      const terms = termsOf(request, options, rules)
      const keep = () => {
        const { body: _, ...own } = request
        const { requestId: __, ...asked } = options
        if (text !== null) known.set(text, { request: own, options: asked, terms })
      }
      return { request, options, terms, keep }
    },
  }
}

/** The body is the app's own to change: it is taken anew each time. */
function recalled({ request, options, terms }: Known, input: Request): Reading {
  const requestId = requestIdOn(input)
  return {
    request: { body: bodyOf(input), ...request },
    options: requestId === undefined ? options : { ...options, requestId },
    terms,
    keep() {},
  }
}

/** @returns null for what is not worth keeping, changes from one moment to the next, or is no request at all. */
function wordsOf(input: Request | null): string | null {
  if (typeof input !== 'object' || input === null) return null
  if (input.jobId !== undefined || input.deadline !== undefined) return null
  const own = exactText(input, LONGEST_CHARS)
  const apart = exactText(bodyOn(input), LONGEST_CHARS)
  if (own === null || apart === null) return null
  return `${keyOn(input) ?? ''}\n${apart}\n${own}`
}
