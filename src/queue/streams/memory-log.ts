import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { compareOutboxIds } from '../../admission/outbox.ts'
import type { ChunkLog } from './chunk-log.ts'
import type { LogSource } from './follow.ts'
import type { LogLine } from './log-entry.ts'

/** As in Redis: what nobody has written to for as long is forgotten. */
const KEPT_MS = 600_000
const KEPT_JOBS = 10_000

type Stored = readonly [id: string, entry: string]

/** The chunk logs of a process that is alone: written and followed in memory. */
export function createMemoryLogs(): ChunkLog & LogSource {
  const events = new EventEmitter().setMaxListeners(0)
  const logs = new LRUCache<string, Stored[]>({ max: KEPT_JOBS, ttl: KEPT_MS })
  let written = 0

  function append(job: string, line: LogLine): void {
    written += 1
    const stored: Stored = [`0-${written}`, JSON.stringify(line)]
    const log = logs.get(job) ?? []
    log.push(stored)
    logs.set(job, log)
    events.emit(job, ...stored)
  }

  return {
    open(job, attempt) {
      let seq = 0
      return {
        write: ({ text, data }) => append(job, { a: attempt, s: seq++, d: [{ t: text, j: data }] }),
        end: async () => append(job, { a: attempt, s: seq++, d: [], e: 1 }),
      }
    },
    join: async (job, leader) => append(job, { w: leader }),
    breakOff: async (job, attempt) => append(job, { a: attempt, s: 0, d: [], x: 1 }),
    async subscribe(job, listener) {
      events.on(job, listener)
      return async () => void events.off(job, listener)
    },
    async range(job, afterId, limit) {
      const log = logs.get(job) ?? []
      const from = log.findIndex(([id]) => compareOutboxIds(id, afterId) > 0)
      return from < 0 ? [] : log.slice(from, from + limit)
    },
    onReconnect: () => () => {},
  }
}
