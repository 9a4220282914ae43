import { Command, type Redis } from 'ioredis'
import { z } from 'zod'
import type { WindowState } from '../commands.ts'
import type { SlotKeys } from '../keys.ts'
import { ask } from './ask.ts'
import { readWindow } from './read-window.ts'

/** One MGET reads about this many windows at most, so that it holds Redis for a moment. */
const BATCH = 256

const Packed = z.array(z.instanceof(Buffer).nullable())

type Windows = readonly (WindowState | null)[]

interface Batch {
  /** key -> its place */
  readonly keys: Map<string, number>
  readonly windows: Promise<Windows>
}

/**
 * Reads windows: what one turn of the event loop asks for travels together, each window once. Requests that are served
 * from the cache at the same time have most of theirs in common.
 * @returns those that exist, in the order asked; null for one that was never held against.
 */
export function createPeek(
  { redis, keys }: { readonly redis: Redis; readonly keys: SlotKeys },
  nowMs: () => number,
): (windowKeys: readonly string[]) => Promise<Windows> {
  let open: Batch | null = null

  async function read(batch: Map<string, number>): Promise<Windows> {
    await new Promise((resolve) => setImmediate(resolve))
    if (open?.keys === batch) open = null
    const names = [...batch.keys()]
    const words = names.map((key) => keys.window(key))
    const command = new Command('mget', words, { replyEncoding: null })
    const packed = Packed.parse(await ask(Promise.resolve(redis.sendCommand(command))))
    const atMs = nowMs()
    return names.map((key, at) => readWindow(key, packed[at], atMs))
  }

  function begin(): Batch {
    const batch = new Map<string, number>()
    return { keys: batch, windows: read(batch) }
  }

  return async (windowKeys) => {
    if (windowKeys.length === 0) return []
    if (!open || open.keys.size >= BATCH) open = begin()
    const { keys: batch, windows } = open
    const places = windowKeys.map((key) => {
      const at = batch.get(key) ?? batch.size
      batch.set(key, at)
      return at
    })
    const all = await windows
    return places.map((at) => all[at] ?? null)
  }
}
