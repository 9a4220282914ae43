import { matcher } from '../matcher.ts'
import { type AnswerShelf, MOST_NOTES, PAGE_KEYS } from './answer-shelf.ts'

/** What the slot keeps of an answer. */
interface Kept {
  readonly text: string
  readonly untilMs: number
}

/** How often labels are looked through for those under which nothing lives any more. */
const SWEEP_EVERY = 1_000

/** Answers of the slot in this process. @param cache - the slot's own, which it goes on using. */
export function memoryAnswers(cache: Map<string, Kept>, clock: () => number): AnswerShelf {
  const filed = new Map<string, Map<string, number>>()
  const notes: string[] = []
  let filings = 0
  const labelled = (wall: string, label: string) => `${wall}:${label}`

  function drop(keys: Iterable<string>): number {
    let dropped = 0
    for (const key of keys) {
      if ((cache.get(key)?.untilMs ?? 0) > clock()) dropped += 1
      cache.delete(key)
    }
    return dropped
  }

  function sweep(): void {
    for (const [label, keys] of filed) {
      for (const [key, untilMs] of keys) if (untilMs <= clock()) keys.delete(key)
      if (keys.size === 0) filed.delete(label)
    }
  }

  return {
    async *keys(pattern) {
      const matches = matcher(pattern)
      const found = [...cache].flatMap(([key, { untilMs }]) =>
        untilMs > clock() && matches.test(key) ? [key] : [],
      )
      for (let at = 0; at < found.length; at += PAGE_KEYS) yield found.slice(at, at + PAGE_KEYS)
    },
    async look(keys) {
      return keys.map((key) => {
        const known = cache.get(key)
        const leftMs = (known?.untilMs ?? 0) - clock()
        return known && leftMs > 0 ? { bytes: Buffer.byteLength(known.text), leftMs } : null
      })
    },
    drop: async (keys) => drop(keys),
    async file({ key, wall, labels, ttlMs }) {
      for (const label of labels) {
        const known = filed.get(labelled(wall, label)) ?? new Map<string, number>()
        filed.set(labelled(wall, label), known.set(key, clock() + ttlMs))
      }
      filings += 1
      if (filings % SWEEP_EVERY === 0) sweep()
    },
    async dropFiled(wall, label) {
      const keys = filed.get(labelled(wall, label))?.keys() ?? []
      const dropped = drop(keys)
      filed.delete(labelled(wall, label))
      return dropped
    },
    async note(line) {
      notes.unshift(line)
      notes.length = Math.min(notes.length, MOST_NOTES)
    },
    notes: async (limit) => notes.slice(0, limit),
  }
}
