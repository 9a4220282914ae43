import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/ledger/migrate.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { windowSums, windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { lockSlotRow, readSlotRow, writeWatermark } from '../../src/ledger/slot-row.ts'
import { startLedgerWorker } from '../../workers/ledger.ts'
import { dyingAt } from '../helpers/dying.ts'
import { ledgerTest } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import { posting } from '../helpers/outbox-entries.ts'
import { startPostgres } from '../helpers/services/index.ts'

function appendMany(outbox: MemoryOutbox, from: number, to: number): void {
  for (let n = from; n < to; n++) outbox.append(posting({ attempt: `j${n}/a`, job: `j${n}` }))
}

// Longer than any test: what moves, moves because of a nudge.
const NEVER_MS = 3_600_000

describe('the ledger worker', () => {
  ledgerTest('drains as long as there is something, then waits for a nudge', async ({ ledger }) => {
    const outbox = new MemoryOutbox()
    appendMany(outbox, 0, 25)
    const worker = startLedgerWorker({ ledger, outbox, batch: 10, pollMs: NEVER_MS })
    await once(worker.events, 'idle')
    expect(worker.drained).toMatchObject({ entries: 25, postings: 25, batches: 3, failures: 0 })
    appendMany(outbox, 25, 30)
    worker.nudge()
    await once(worker.events, 'idle')
    expect(worker.drained.entries).toBe(30)
    await worker.close()
    expect((await outcomeCounts(ledger)).answered).toBe(30)
  })

  ledgerTest('close finishes the batch under way', async ({ ledger }) => {
    const outbox = new MemoryOutbox()
    appendMany(outbox, 0, 25)
    const worker = startLedgerWorker({ ledger, outbox, batch: 10, pollMs: NEVER_MS })
    await once(worker.events, 'drained')
    await worker.close()
    await worker.close()
    const kept = (await outcomeCounts(ledger)).answered
    expect(kept).toBe(worker.drained.postings)
    expect(outbox.entries).toHaveLength(25 - kept)
  })

  ledgerTest('close does not wait for a pause after a failure', async ({ ledger }) => {
    const outbox = new MemoryOutbox()
    const worker = startLedgerWorker({ ledger, outbox: dyingAt(outbox, 'read'), pollMs: NEVER_MS })
    const [error] = await once(worker.events, 'failed')
    expect(String(error)).toContain('died')
    await worker.close()
    expect(worker.drained.failures).toBeGreaterThan(0)
  })

  ledgerTest('a conflict is told as LEDGER_CONFLICT and stops nothing', async ({ ledger }) => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    outbox.append(posting({ deltaNano: 1 }))
    appendMany(outbox, 0, 1)
    const worker = startLedgerWorker({ ledger, outbox, pollMs: NEVER_MS })
    const idle = once(worker.events, 'idle')
    const [error] = await once(worker.events, 'failed')
    expect(error).toMatchObject({ code: 'LEDGER_CONFLICT' })
    await idle
    expect(worker.drained).toMatchObject({ entries: 3, postings: 2, failures: 0 })
    await worker.close()
  })

  test('while PostgreSQL is down nothing is lost, and the drain resumes by itself', async () => {
    const server = await startPostgres()
    await migrate(server.url)
    const ledger = await openLedger({
      databaseUrl: server.url,
      poolSize: 2,
      connectTimeoutMs: 1_000,
    })
    const outbox = new MemoryOutbox()
    appendMany(outbox, 0, 200)
    const worker = startLedgerWorker({ ledger, outbox, batch: 20, pollMs: 50, maxBackoffMs: 200 })
    try {
      await once(worker.events, 'drained')
      await server.kill()
      appendMany(outbox, 200, 220)
      // Twelve failures: more than the pool has connections, none of which may leak.
      let error: unknown
      for (let n = 0; n < 12; n++) [error] = await once(worker.events, 'failed')
      expect(error).toMatchObject({ code: 'LEDGER_UNAVAILABLE', retryable: true })
      await server.restart()
      while (outbox.entries.length > 0) await once(worker.events, 'idle')
      expect((await outcomeCounts(ledger)).answered).toBe(220)
      expect(await windowTotals(ledger)).toEqual(await windowSums(ledger))
    } finally {
      await worker.close()
      await ledger.close()
      await server.stop()
    }
  })

  test('a frozen PostgreSQL is a typed error in bounded time, and costs the pool no connection', async () => {
    const server = await startPostgres()
    await migrate(server.url)
    const limits = { poolSize: 1, statementTimeoutMs: 100, connectTimeoutMs: 500 }
    const ledger = await openLedger({ databaseUrl: server.url, ...limits })
    const unavailable = { code: 'LEDGER_UNAVAILABLE', retryable: true }
    try {
      const inside = ledger.transaction(async (tx) => {
        await lockSlotRow(tx)
        await server.pause()
        await writeWatermark(tx, '9-9')
      })
      await expect(inside).rejects.toMatchObject(unavailable)
      await expect(readSlotRow(ledger)).rejects.toMatchObject(unavailable)
      await server.resume()
      expect(await readSlotRow(ledger)).toEqual({ epoch: 0, watermark: '0' })
    } finally {
      await ledger.close()
      await server.stop()
    }
  })
})
