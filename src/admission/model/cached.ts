import { hash } from 'node:crypto'
import { type Header, isIntact, readHeader, type Unreadable } from '../../cache/codec/header.ts'
import type { CacheLookup, KeptReply, SettleCommand } from '../commands.ts'
import type { Context } from './state.ts'

/**
 * Kept answers, and whether one is of use; lib/cached.lua keeps the same text:
 * `<fresh> <stale> <last> <refresh> <cost> <attempt> <seal>\n<header>\n<payload>`.
 */
const ENTRY = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\S*) ([0-9a-f]{40})\n(?=([^\n]*))/
/** So long whoever was told to have an answer made anew may take. */
const REFRESH_MS = 30_000

interface Entry {
  /** Until when it answers: anybody; anybody, while it is made anew; whom no budget pays for. */
  readonly fresh: number
  readonly stale: number
  readonly last: number
  /** Until when somebody has it made anew. */
  readonly refresh: number
  readonly costNano: number
  readonly attempt: string
  /** Header and payload. */
  readonly sealed: string
}
/** How old an entry may be to answer. */
export type UpTo = 'fresh' | 'stale' | 'last'

/** An answer that may be served, or why there is none: null = nothing is kept, or its time is over. */
export type Found =
  | { readonly hit: Hit; readonly why?: never }
  | { readonly hit: null; readonly why: Unreadable | null }

export interface Hit {
  readonly entry: Entry
  /** What the asker has not. */
  readonly body: string | null
}

export const NOTHING: Found = { hit: null, why: null }

const unreadable = (why: Unreadable): Found => ({ hit: null, why })

function entryText(key: string, entry: Entry): string {
  const { fresh, stale, last, refresh, costNano, attempt, sealed } = entry
  const line = [fresh, stale, last, refresh, costNano, attempt].join(' ')
  const header = /^[^\n]*/.exec(sealed)?.[0] ?? ''
  return `${line} ${sealOf(key, line, header)}\n${sealed}`
}

/** Of the key, too: an entry that was copied elsewhere is damaged there. */
const sealOf = (key: string, line: string, header: string): string =>
  hash('sha1', `${key}\n${line}\n${header}`)

/** @returns null when its seal is broken. */
function readEntry(key: string, text: string): Entry | null {
  const read = ENTRY.exec(text)
  if (!read) return null
  const [all, fresh, stale, last, refresh, cost, attempt = '', seal = '', header = ''] = read
  const line = all.slice(0, all.length - seal.length - 2)
  if (sealOf(key, line, header) !== seal) return null
  const times = { fresh: Number(fresh), stale: Number(stale), last: Number(last) }
  const sealed = text.slice(all.length)
  return { ...times, refresh: Number(refresh), costNano: Number(cost), attempt, sealed }
}

/** @param upTo - how old it may be. */
export function findAnswer(
  { state, nowMs }: Context,
  key: string | null,
  { openers = [], has = '' }: CacheLookup,
  upTo: UpTo,
): Found {
  const text = key === null ? undefined : state.cache.get(key)?.text
  if (key === null || text === undefined) return NOTHING
  const entry = readEntry(key, text)
  if (!entry) return unreadable(/^\d+\n/.test(text) ? 'unknown-version' : 'damaged')
  if (nowMs >= entry[upTo]) return NOTHING
  const header = readHeader(entry.sealed)
  if (typeof header === 'string') return unreadable(header)
  if (isClosed(header, openers)) return unreadable('unknown-key')
  if (header.sum === has) return { hit: { entry, body: null } }
  if (!isIntact(entry.sealed, header)) return unreadable('damaged')
  return { hit: { entry, body: entry.sealed } }
}

const isClosed = ({ flags, keyId }: Header, openers: readonly string[]): boolean =>
  flags.includes('e') && !openers.includes(keyId)

export const tellAnswer = (
  { nowMs }: Context,
  { entry, body }: Hit,
  refresh = false,
): KeptReply => {
  const { fresh, costNano, attempt: paidBy } = entry
  return { body, freshForMs: fresh - nowMs, refresh, costNano, paidBy }
}

/** Answers with it; one of those who are served a stale answer is told to have it made anew. */
export function serveAnswer(ctx: Context, key: string | null, hit: Hit): KeptReply {
  const { state, nowMs } = ctx
  const { entry } = hit
  if (key === null || entry.fresh > nowMs || entry.refresh > nowMs) return tellAnswer(ctx, hit)
  const text = entryText(key, { ...entry, refresh: nowMs + REFRESH_MS })
  state.cache.set(key, { text, untilMs: entry.last })
  return tellAnswer(ctx, hit, true)
}

export function keepAnswer(
  { state, nowMs }: Context,
  attempt: string,
  {
    key,
    body,
    ttlMs,
    staleForMs = 0,
    lastForMs = 0,
    costNano = 0,
  }: NonNullable<SettleCommand['cache']>,
): void {
  const fresh = nowMs + ttlMs
  const last = fresh + Math.max(staleForMs, lastForMs)
  const times = { fresh, stale: fresh + staleForMs, last, refresh: 0 }
  const text = entryText(key, { ...times, costNano, attempt, sealed: body })
  state.cache.set(key, { text, untilMs: last })
}
