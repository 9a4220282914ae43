import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LogSource } from '../../src/queue/streams/follow.ts'
import { followAnswer } from '../../src/queue/streams/follow-answer.ts'
import type { LogEntry, StreamPart } from '../../src/queue/streams/log-entry.ts'

interface Written {
  readonly id: string
  readonly entry: LogEntry
}

const write = (attempt: number, texts: readonly string[], complete: boolean): LogEntry[] => [
  ...texts.map((t, s): LogEntry => ({ a: attempt, s, d: [{ t, j: {} }] })),
  ...(complete ? [{ a: attempt, s: texts.length, d: [], e: 1 } satisfies LogEntry] : []),
]

const numbered = (entries: readonly LogEntry[]): Written[] =>
  entries.map((entry, at) => ({ id: `${at + 1}-0`, entry }))

/** A log that is written while it is followed, and whose messages may get lost. */
function createLog(log: readonly Written[], there: number, lost: ReadonlySet<number>) {
  let listener: (id: string, entry: string) => void = () => {}
  let reconnected = () => {}
  let length = there
  const source: LogSource = {
    subscribe: async (_, wanted) => {
      listener = wanted
      return async () => {}
    },
    range: async (_, after, limit) =>
      log
        .slice(0, length)
        .filter(({ id }) => Number.parseInt(id, 10) > Number.parseInt(after, 10))
        .slice(0, limit)
        .map(({ id, entry }) => [id, JSON.stringify(entry)] as const),
    onReconnect: (wanted) => {
      reconnected = wanted
      return () => {}
    },
  }
  const writeRest = async () => {
    while (length < log.length) {
      const next = log[length]
      length += 1
      if (next && !lost.has(length)) listener(next.id, JSON.stringify(next.entry))
      // A gap shows itself by what comes after it; only a lost end needs the reconnect.
      else if (length === log.length) reconnected()
      await Promise.resolve()
    }
  }
  return { source, writeRest }
}

async function read(parts: AsyncGenerator<StreamPart, boolean>) {
  let text = ''
  let restarts = 0
  for (;;) {
    const next = await parts.next()
    if (next.done) return { text, restarts, complete: next.value }
    if (next.value.restart) {
      text = ''
      restarts += 1
    } else text += next.value.text
  }
}

const never = new Promise<never>(() => {})
const OWN = { paidBy: null }

it('whenever one joins and whatever messages are lost, the whole answer arrives once, in order', async () => {
  const law = fc.asyncProperty(
    fc.array(fc.string({ maxLength: 3 }), { maxLength: 30 }),
    fc.nat(30),
    fc.uniqueArray(fc.nat(31)),
    async (texts, joinAt, lost) => {
      const log = numbered(write(1, texts, true))
      const { source, writeRest } = createLog(log, Math.min(joinAt, log.length), new Set(lost))
      const reading = read(followAnswer(source, 'job', never))
      await writeRest()
      expect(await reading).toEqual({ text: texts.join(''), restarts: 0, complete: true })
    },
  )
  await fc.assert(law, { numRuns: 300 })
})

it('an entry that was appended twice, because its reply was lost, is read once', async () => {
  const [one, two, ...rest] = write(1, ['a', 'b'], true)
  if (!one || !two) throw new Error('two entries were written')
  const { source, writeRest } = createLog(numbered([one, one, two, two, ...rest]), 2, new Set())
  const reading = read(followAnswer(source, 'job', never))
  await writeRest()
  expect(await reading).toEqual({ text: 'ab', restarts: 0, complete: true })
})

it('a takeover starts the answer over, and what its zombie still writes is dropped', async () => {
  const log = numbered([
    ...write(1, ['dead ', 'words'], false),
    ...write(2, ['he'], false),
    { a: 1, s: 2, d: [{ t: 'ghost', j: {} }] },
    { a: 2, s: 1, d: [{ t: 'llo', j: {} }] },
    { a: 2, s: 2, d: [], e: 1 },
  ])
  const { source, writeRest } = createLog(log, 1, new Set())
  const reading = read(followAnswer(source, 'job', never))
  await writeRest()
  expect(await reading).toEqual({ text: 'hello', restarts: 1, complete: true })
})

it('a take that broke off is void at once, its late chunks are dropped, and the next one starts over once', async () => {
  const broken: LogEntry = { a: 1, s: 0, d: [], x: 1 }
  const log = numbered([
    ...write(1, ['half an '], false),
    broken,
    { a: 1, s: 1, d: [{ t: 'ghost', j: {} }] },
    ...write(2, ['all of it'], true),
  ])
  for (const there of [0, 2, log.length]) {
    const { source, writeRest } = createLog(log, there, new Set())
    const reading = read(followAnswer(source, 'job', never))
    await writeRest()
    expect(await reading).toEqual({ text: 'all of it', restarts: 1, complete: true })
  }
  // The first take wrote nothing: nothing is void.
  const { source } = createLog(numbered([broken, ...write(2, ['all'], true)]), 3, new Set())
  expect(await read(followAnswer(source, 'job', never))).toMatchObject({ text: 'all', restarts: 0 })
})

it('ends, and says that something is missing, when the request ended without the end mark', async () => {
  const { source } = createLog(numbered(write(1, ['half'], false)), 1, new Set())
  const reading = read(followAnswer(source, 'job', Promise.resolve(OWN)))
  expect(await reading).toEqual({ text: 'half', restarts: 0, complete: false })
})

it('a slow reader reads on from the log: nothing is lost, and nothing piles up', async () => {
  const texts = Array.from({ length: 2_000 }, (_, at) => `${at},`)
  const { source, writeRest } = createLog(numbered(write(1, texts, true)), 0, new Set())
  const parts = followAnswer(source, 'job', never)
  const first = parts.next()
  await writeRest()
  const start = await first
  const rest = await read(parts)
  expect(start.done).toBe(false)
  if (!start.done) expect(start.value.text + rest.text).toBe(texts.join(''))
})
