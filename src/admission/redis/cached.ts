import { z } from 'zod'
import type { CacheLookup, KeptReply } from '../commands.ts'

/** Ids between blanks, as lib/cached.lua looks for one; '' = none. */
export const openersText = ({ openers = [] }: CacheLookup = {}): string =>
  openers.length === 0 ? '' : ` ${openers.join(' ')} `

/** What scripts say of a kept answer (`tellAnswer` of lib/cached.lua). */
export const KEPT = [
  z.literal('cached'),
  z.string(),
  z.int(),
  z.literal([0, 1]),
  z.int().min(0),
  z.string(),
] as const

type Told = readonly ['cached', string, number, 0 | 1, number, string, ...unknown[]]

/** @param told - its body '' = the asker has it. */
export const keptReply = ([, body, freshForMs, refresh, costNano, paidBy]: Told): KeptReply => ({
  body: body === '' ? null : body,
  freshForMs,
  refresh: refresh === 1,
  costNano,
  paidBy,
})
