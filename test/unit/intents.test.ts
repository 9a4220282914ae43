import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SettleCommand } from '../../src/admission/commands.ts'
import { grantHold, type Hold } from '../../src/admission/hold.ts'
import { createIntents, type Intents } from '../../src/slot/intents/intents.ts'
import { type CallRecord, IntentBook } from '../../src/slot/intents/records.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import { canFillDisk, withFullDisk } from '../helpers/full-disk.ts'

let disk: string
let said: object[]
const living: Intents[] = []
beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'bursar-intents-'))
  said = []
})
afterEach(async () => {
  for (const intents of living.splice(0)) await intents.close()
  rmSync(disk, { recursive: true })
})

const logger = createLogger({
  level: 'info',
  name: 'test',
  destination: { write: (line: string) => void said.push(JSON.parse(line)) },
})

function start(root: string, process = 'p1'): Intents {
  const intents = createIntents({ root, process, logger })
  living.push(intents)
  return intents
}

/** A disk as a process leaves it that is killed now: with its journal, and a lock of nobody who lives. */
function killed(root: string): string {
  const left = join(disk, `left-${said.length}-${living.length}`)
  cpSync(root, left, { recursive: true, filter: (path) => !/lock\.\d+$/.test(path) })
  return left
}

const holdOf = (attemptId: string, atMs = Date.now()): Hold =>
  grantHold({
    ...{ attemptId, job: 'j', rung: 0, holdNano: 10, capTokens: 5, n: 1, atMs },
    windows: ['company:2026-11'],
  })

const meta = attemptMeta()
const begin = (intents: Intents, attempt: string, isWanted = true) =>
  intents.begin({ hold: holdOf(attempt), meta, epoch: 1, isWanted })

const outcome = (attempt: string, costNano: number): SettleCommand => ({
  ...{ attempt, job: 'j', kind: 'settled', costNano, atMs: 1, holdNano: 10, windows: [] },
  ...{ tokens: 1, meta, detail: '{"é":1}', conclusion: null, cache: null, gate: null },
})

const owedBy = async (root: string) => {
  const next = start(root, 'p2')
  await next.takeLeft()
  return next.left().map(({ owed }) => [owed.attempt, owed.as, owed.costNano])
}

test('what was sent is owed by whoever starts on that disk: at its cost, or held', async () => {
  const root = join(disk, 'calls')
  const first = start(root)
  await Promise.all([begin(first, 'j/1'), begin(first, 'j/2'), begin(first, 'j/3')])
  await first.known(outcome('j/2', 4))
  first.gone('j/3')
  await begin(first, 'j/4')
  expect(await owedBy(killed(root))).toEqual([
    ['j/1', 'held', 0],
    ['j/2', 'settled', 4],
    ['j/4', 'held', 0],
  ])
})

test('a process that takes over dies too: the third owes the same', async () => {
  const root = join(disk, 'calls')
  await begin(start(root), 'j/1')
  const left = killed(root)
  const second = start(left, 'p2')
  await second.takeLeft()
  await begin(second, 'j/2')
  expect(await owedBy(killed(left))).toEqual([
    ['j/1', 'held', 0],
    ['j/2', 'held', 0],
  ])
})

test('a folder of a process that lives is nobody else’s', async () => {
  const root = join(disk, 'calls')
  await begin(start(root), 'j/1')
  expect(await owedBy(root)).toEqual([])
})

test('a clean end leaves nothing, unless something is owed', async () => {
  const root = join(disk, 'calls')
  const first = start(root)
  await begin(first, 'j/1')
  await first.known(outcome('j/1', 4))
  await begin(first, 'j/2')
  first.gone('j/2')
  await first.close()
  expect(await owedBy(root)).toEqual([['j/1', 'settled', 4]])
})

test('journal-torn-tail: a half line was never acted upon', async () => {
  const root = join(disk, 'calls')
  const first = start(root)
  await begin(first, 'j/1')
  await begin(first, 'j/2')
  const left = killed(root)
  const path = join(left, '0', 'journal')
  writeFileSync(path, readFileSync(path).subarray(0, -9))
  expect(await owedBy(left)).toEqual([['j/1', 'held', 0]])
})

test('a damaged journal is named and left alone, and its process goes on in another folder', async () => {
  const root = join(disk, 'calls')
  mkdirSync(join(root, '0'), { recursive: true })
  const first = start(join(disk, 'other'))
  await begin(first, 'j/1')
  await begin(first, 'j/2')
  const bytes = readFileSync(join(disk, 'other', '0', 'journal'))
  bytes[30] = (bytes[30] ?? 0) ^ 1
  writeFileSync(join(root, '0', 'journal'), bytes)
  const second = start(root)
  await second.takeLeft()
  await second.open()
  expect(said).toMatchObject([{ msg: 'a journal cannot be read', path: join(root, '0') }])
  expect(second.left()).toEqual([])
  expect(readFileSync(join(root, '0', 'journal'))).toEqual(bytes)
})

describe('who has to be waited for', () => {
  const deadOn = async (root: string) => {
    const next = start(root, 'p2')
    await next.takeLeft()
    return next.dead()
  }

  test('nobody whose journal has all that it owed', async () => {
    const root = join(disk, 'calls')
    await start(root).open()
    expect(await deadOn(killed(root))).toEqual(['p1'])
  })

  test('one that also made calls which are not in it', async () => {
    const root = join(disk, 'calls')
    const first = start(root)
    await first.open()
    await begin(first, 'j/1')
    await begin(first, 'j/2', false)
    const left = killed(root)
    expect(await deadOn(left)).toEqual([])
  })
})

test('a folder that cannot be written is said at the start, and refuses calls', async () => {
  writeFileSync(join(disk, 'file'), '')
  const intents = start(join(disk, 'file', 'calls'))
  await expect(intents.open()).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    detail: { name: 'BURSAR_DATA' },
  })
  await expect(begin(intents, 'j/1')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    retryable: true,
  })
})

test.runIf(canFillDisk)(
  'a full disk refuses a call, and forgets it; with room it goes on',
  async () => {
    const root = join(disk, 'calls')
    const first = start(root)
    await begin(first, 'j/1')
    const { size } = statSync(join(root, '0', 'journal'))
    await withFullDisk(size + 20, async () => {
      for (const attempt of ['j/2', 'j/3']) {
        await expect(begin(first, attempt)).rejects.toMatchObject({
          code: 'STORE_UNAVAILABLE',
          retryable: true,
        })
      }
      // What it came to is known here, whatever the disk says.
      await first.known(outcome('j/1', 4))
    })
    expect(said).toMatchObject([{ msg: 'a journal was not written', is: 'known' }])
    await begin(first, 'j/4')
    expect(await owedBy(killed(root))).toEqual([
      ['j/1', 'held', 0],
      ['j/4', 'held', 0],
    ])
  },
)

test('what the ledger has leaves the disk', async () => {
  const root = join(disk, 'calls')
  const first = start(root)
  await begin(first, 'j/stays')
  for (let round = 0; round < 20; round++) {
    const attempts = Array.from({ length: 1_000 }, (_, i) => `j/${round}-${i}`)
    await Promise.all(attempts.map((attempt) => begin(first, attempt)))
    await Promise.all(attempts.map((attempt) => first.known(outcome(attempt, 1))))
    for (const attempt of attempts) first.gone(attempt)
  }
  await begin(first, 'j/last')
  expect(statSync(join(root, '0', 'journal')).size).toBeLessThan(10_000_000)
  expect((await owedBy(killed(root))).map(([attempt]) => attempt)).toEqual(['j/stays', 'j/last'])
})

test('its records make the same book again, wherever it was written anew', () => {
  const attempt = fc.constantFrom('j/1', 'j/2', 'j/3')
  const record: fc.Arbitrary<CallRecord> = fc.oneof(
    attempt.map((id) => ({ is: 'intent' as const, epoch: 1, owed: owed(id) })),
    fc.record({
      is: fc.constant('known' as const),
      attempt,
      as: fc.constantFrom('settled' as const, 'unconfirmed' as const),
      costNano: fc.nat(9),
      detail: fc.string(),
    }),
    attempt.map((id) => ({ is: 'gone' as const, attempt: id })),
    fc.constantFrom('', 'p1').map((id) => ({ is: 'process' as const, id })),
  )
  const law = fc.property(fc.array(record), fc.array(record), (before, after) => {
    const straight = new IntentBook([...before, ...after])
    const anew = new IntentBook([...new IntentBook(before).records(), ...after])
    expect(anew.intents().toSorted(byAttempt)).toEqual(straight.intents().toSorted(byAttempt))
    expect(anew.process).toBe(straight.process)
  })
  fc.assert(law)
})

const owed = (attempt: string) => ({
  ...{ attempt, job: 'j', as: 'held' as const, costNano: 0, rung: 0, holdNano: 10, capTokens: 5 },
  ...{ n: 1, atMs: 1, windows: ['company:2026-11'], meta, detail: '' },
})
const byAttempt = (a: { owed: { attempt: string } }, b: { owed: { attempt: string } }) =>
  a.owed.attempt.localeCompare(b.owed.attempt)
