import type { CacheLookup, KeptReply } from '../../admission/commands.ts'
import { readHeader } from '../codec/header.ts'
import { type CacheEntry, readCacheEntry } from './entry.ts'
import type { Keeper } from './keeper.ts'
import type { NearCache } from './near-cache.ts'

/** One look for a kept answer. */
export interface Look {
  /** What goes along with the question. */
  readonly command: CacheLookup
  /** @returns the answer that was found; null = it cannot be opened, or is of a version that means something else by it. */
  open(reply: KeptReply): CacheEntry | null | Promise<CacheEntry | null>
}

/** The kept answers as one process reads them: what it has at hand does not travel again, and is opened once. */
export interface Answers {
  readonly near: NearCache
  look(key: string): Look
}

export function createAnswers(keeper: Keeper, near: NearCache): Answers {
  async function read(key: string, { body, freshForMs }: KeptReply): Promise<CacheEntry | null> {
    if (body === null) return null
    const opened = await keeper.openAnswer(body, key)
    const entry = opened.ok ? readCacheEntry(opened.text) : null
    if (!entry) return null
    const header = readHeader(body)
    const sum = typeof header === 'string' ? '' : header.sum
    near.keep(key, { entry, sum }, freshForMs)
    return entry
  }

  return {
    near,
    look(key) {
      const { openers } = keeper
      const here = near.find(key)
      if (!here?.sum) return { command: { openers }, open: (reply) => read(key, reply) }
      return {
        command: { openers, has: here.sum },
        open: (reply) => (reply.body === null ? here.entry : read(key, reply)),
      }
    },
  }
}
