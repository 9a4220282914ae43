import { expect } from 'vitest'
import { z } from 'zod'
import { type Found, LANES, type Line, WINDOWS } from './journal-lines.ts'

const Attempt = z.object({
  state: z.enum(['H', 'U', 'S', 'R']),
  holdNano: z.int(),
  bookedNano: z.int(),
  windows: z.array(z.string()),
})
const Window = z.object({ spentNano: z.int(), heldNano: z.int() })
const Entry = z.object({
  attempt: z.string().default(''),
  deltaNano: z.int().default(0),
  windows: z.array(z.string()).default([]),
})

/** What somebody outside was told, and what the disk must therefore show. */
export class Witness {
  /** attempt -> the last state that was acknowledged, and its amount. */
  readonly #told = new Map<string, { state: string; nano: number }>()
  /** outbox number -> content, of all lives. */
  readonly #entries = new Map<number, { attempt: string; delta: number; windows: string[] }>()
  #open = 0
  recoveries = 0

  get acknowledged(): number {
    return this.#told.size
  }

  hear(line: Line): void {
    if (line.say === 'ack') this.#told.set(line.attempt, line)
    else if (line.say === 'drained') {
      for (const { id, ...content } of line.entries) this.#number(Number(id.split('-')[1]), content)
    } else if (line.say === 'lanes') {
      expect(LANES.limit - line.free, 'lanes that nobody gave back').toBe(0)
    } else if (line.say === 'recovered') {
      expect(line.unconfirmed, 'holds that became unconfirmed').toBe(this.#open)
      this.recoveries += 1
      this.#open = 0
    } else this.#judge(line)
  }

  /** An entry that is read twice, because its acknowledgement was lost, is the same entry. */
  #number(seq: number, content: { attempt: string; delta: number; windows: string[] }): void {
    expect(this.#entries.get(seq) ?? content, `outbox entry ${seq}`).toEqual(content)
    this.#entries.set(seq, content)
  }

  #judge(found: Found): void {
    const of = (kind: string) => found.records.filter((record) => record.kind === kind)
    const attempts = new Map(
      of('attempts').map(({ key, value }) => [key, Attempt.parse(JSON.parse(value))]),
    )
    for (const { seq, entry } of found.outbox) {
      const { attempt, deltaNano, windows } = Entry.parse(JSON.parse(entry))
      this.#number(seq, { attempt, delta: deltaNano, windows })
    }
    this.#judgeReplies(attempts)
    const numbers = [...this.#entries.keys()].sort((a, b) => a - b)
    expect(numbers, 'outbox numbers').toEqual(numbers.map((_, i) => i))
    for (const { key } of WINDOWS) {
      const window = of('windows').find((record) => record.key === key)
      const counted = window ? Window.parse(JSON.parse(window.value)) : null
      this.#judgeWindow(key, attempts, counted ?? { spentNano: 0, heldNano: 0 })
    }
    this.#open = [...attempts.values()].filter(({ state }) => state === 'H').length
    if (found.at === 'recovered') expect(this.#open, 'holds left open').toBe(0)
  }

  /** Nothing that was told is missing or less; what was not told yet may have happened. */
  #judgeReplies(attempts: ReadonlyMap<string, z.infer<typeof Attempt>>): void {
    for (const [attempt, { state, nano }] of this.#told) {
      const found = attempts.get(attempt)
      if (state === 'H') expect(found?.holdNano, `hold of ${attempt}`).toBe(nano)
      else expect(found, attempt).toMatchObject({ state, bookedNano: nano })
    }
  }

  #judgeWindow(
    key: string,
    attempts: ReadonlyMap<string, z.infer<typeof Attempt>>,
    counted: z.infer<typeof Window>,
  ): void {
    const here = [...attempts.values()].filter(({ windows }) => windows.includes(key))
    const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0)
    const spent = sum(here.map(({ bookedNano }) => bookedNano))
    const held = sum(here.map(({ state, holdNano }) => (state === 'H' ? holdNano : 0)))
    expect(counted, key).toMatchObject({ spentNano: spent, heldNano: held })
    const posted = [...this.#entries.values()].filter(({ windows }) => windows.includes(key))
    expect(sum(posted.map(({ delta }) => delta)), `postings of ${key}`).toBe(spent)
  }
}
