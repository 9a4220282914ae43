import type { CacheLookup, KeptReply } from '../../admission/commands.ts'
import { readHeader } from '../codec/header.ts'
import type { Keeper } from './keeper.ts'
import type { NearCache } from './near-cache.ts'

/** One look for a kept answer. */
export interface Look {
  /** What goes along with the question. */
  readonly command: CacheLookup
  /** @returns the text of the answer that was found; null = it cannot be opened after all. */
  open(reply: KeptReply): Promise<string | null>
}

/** The kept answers as one process reads them: what it has at hand does not travel again, and is opened once. */
export interface Answers {
  readonly near: NearCache
  look(key: string): Look
}

export function createAnswers(keeper: Keeper, near: NearCache): Answers {
  async function read(key: string, { body, freshForMs }: KeptReply): Promise<string | null> {
    if (body === null) return null
    const opened = await keeper.openAnswer(body, key)
    if (!opened.ok) return null
    const header = readHeader(body)
    const sum = typeof header === 'string' ? '' : header.sum
    near.keep(key, { text: opened.text, sum }, freshForMs)
    return opened.text
  }

  return {
    near,
    look(key) {
      const { openers } = keeper
      const here = near.find(key)
      if (!here?.sum) return { command: { openers }, open: (reply) => read(key, reply) }
      return {
        command: { openers, has: here.sum },
        open: async (reply) => (reply.body === null ? here.text : read(key, reply)),
      }
    },
  }
}
