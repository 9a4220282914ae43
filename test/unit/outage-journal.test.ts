import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BookLeaseCommand } from '../../src/admission/lease-commands.ts'
import { Book } from '../../src/outage/journal/book.ts'
import { openJournalFile } from '../../src/outage/journal/file.ts'
import { claimFolder, claimLeft } from '../../src/outage/journal/folders.ts'
import { type JournalRecord, JournalRecordSchema } from '../../src/outage/journal/records.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-journal-'))
})
afterEach(() => rm(folder, { recursive: true }))

const call = (attempt: string, wish: Partial<BookLeaseCommand> = {}): BookLeaseCommand => ({
  ...{ lease: 'lease/1', attempt, job: 'j', kind: 'unconfirmed', costNano: 0, atMs: 1 },
  ...{ holdNano: 10, windows: ['company:2026-11'], meta: '{"é":1}', detail: '', conclusion: null },
  ...wish,
})
const LEASE: JournalRecord = {
  ...{ is: 'lease', lease: 'lease/1', windows: ['company:2026-11'], amountNano: 100 },
}
const intent = (attempt: string): JournalRecord => ({ is: 'intent', call: call(attempt) })

const openFile = () => openJournalFile(folder, JournalRecordSchema)

async function written(records: readonly JournalRecord[]): Promise<string> {
  const journal = await openFile()
  for (const record of records) await journal.append(record)
  await journal.close()
  return join(folder, 'journal')
}

describe('the journal', () => {
  test('journal-torn-tail: whatever is left of the last record, those before it are read, and it goes on', async () => {
    const path = await written([LEASE, intent('j/1'), intent('j/2')])
    const whole = await readFile(path)
    const last = whole.lastIndexOf(10, whole.length - 2) + 1
    for (let length = last; length < whole.length; length += 7) {
      await writeFile(path, whole.subarray(0, length))
      const journal = await openFile()
      expect(journal.found).toEqual([LEASE, intent('j/1')])
      await journal.append(intent('j/3'))
      await journal.close()
      const again = await openFile()
      expect(again.found).toEqual([LEASE, intent('j/1'), intent('j/3')])
      await again.close()
    }
  })

  test('damage before the end is no torn tail: nobody guesses what was spent', async () => {
    const path = await written([LEASE, intent('j/1'), intent('j/2')])
    const whole = await readFile(path)
    const middle = whole.indexOf(10) + 30
    whole[middle] = (whole[middle] ?? 0) ^ 1
    await writeFile(path, whole)
    await expect(openFile()).rejects.toMatchObject({ code: 'DATA_FOLDER_UNREADABLE' })
  })

  test('records that are appended while it is rewritten come after it', async () => {
    const journal = await openFile()
    await journal.append(LEASE)
    await Promise.all([
      journal.append(intent('j/1')),
      journal.rewrite([LEASE, intent('j/1')]),
      journal.append(intent('j/2')),
      journal.append(intent('j/3')),
    ])
    await journal.close()
    const again = await openFile()
    expect(again.found).toEqual([LEASE, intent('j/1'), intent('j/2'), intent('j/3')])
    await again.close()
  })

  test('what cannot be written is refused, and so is everything after it', async () => {
    const journal = await openFile()
    await journal.close()
    for (const attempt of ['j/1', 'j/2']) {
      await expect(journal.append(intent(attempt))).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      })
    }
  })
})

describe('its folder', () => {
  test('lease-second-process-cannot-lock: a folder is one process, and free again when that ends', async () => {
    const first = claimFolder(folder)
    const journal = await openJournalFile(first.path, JournalRecordSchema)
    await journal.append(LEASE)
    await journal.close()
    const second = claimFolder(folder)
    expect(second.path).not.toBe(first.path)
    expect(claimLeft(folder)).toEqual([])
    first.lock.release()
    const [left] = claimLeft(folder)
    expect(left?.path).toBe(first.path)
    left?.lock.release()
    second.lock.release()
  })

  test('a file in its place is said', async () => {
    await writeFile(join(folder, '0'), '')
    expect(() => claimFolder(folder)).toThrow('EEXIST')
  })
})

describe('its book', () => {
  test('free is the amount without what calls cost, or may cost', () => {
    const book = new Book([LEASE, intent('j/1'), intent('j/2')])
    expect(book.leases[0]?.freeNano).toBe(80)
    book.enter({ is: 'result', call: call('j/1', { kind: 'settled', costNano: 3 }) })
    expect(book.leases[0]?.freeNano).toBe(87)
    book.enter({ is: 'result', call: call('j/2', { kind: 'settled', costNano: 95 }) })
    expect(book.leases[0]?.freeNano).toBe(2)
  })

  test('its records make the same book again', () => {
    const book = new Book([LEASE, intent('j/1'), { is: 'stop', lease: 'lease/1' }])
    const again = new Book([...book.records()])
    expect(again.leases).toEqual(book.leases)
  })
})
