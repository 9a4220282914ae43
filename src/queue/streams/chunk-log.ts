import type { Redis } from 'ioredis'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { messageOf } from '../../errors.ts'
import type { StreamChunk } from '../../provider/types.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { LogEntry } from './log-entry.ts'

const script = loadScript(new URL('./append-chunk.lua', import.meta.url))

/** Stream and channel of one job, in a Cluster slot of its own. */
export const logKey = (job: string): string => `bursar:log:{${job}}`

const KEPT_ENTRIES = 5_000
const KEPT_MS = 600_000
const TRIES = 3

/** Where workers write the chunks of answers for whoever follows. */
export interface ChunkLog {
  /** @param attempt - which take of the job, from 1: a follower starts over at a higher one. */
  open(job: string, attempt: number): ChunkWriter
}

export interface ChunkWriter {
  /** Queues a chunk; what arrives while one is under way travels with the next. Never throws. */
  write(chunk: StreamChunk): void
  /** Marks the log complete. Resolves when everything is written, or given up. */
  end(): Promise<void>
}

/**
 * A log per job in Redis: stored and published in one step, in order. A chunk that cannot be written ends the log
 * without its end mark; followers then read the whole answer from the result.
 */
export function createChunkLog(redis: Redis, logger: Logger): ChunkLog {
  return {
    open(job, attempt) {
      const key = logKey(job)
      let waiting: StreamChunk[] = []
      let seq = 0
      let flight: Promise<void> | null = null
      let broken = false

      async function send(rest: Omit<LogEntry, 'a' | 's'>): Promise<void> {
        const entry: LogEntry = { a: attempt, s: seq, ...rest }
        const args = [key, JSON.stringify(entry), KEPT_ENTRIES, KEPT_MS]
        for (let tried = 1; ; tried++) {
          try {
            await runScript(redis, script, [key], args)
            seq += 1
            return
          } catch (error) {
            if (tried < TRIES) continue
            broken = true
            logger.warn({ job, reason: messageOf(error) }, 'a chunk was not written')
            return
          }
        }
      }

      async function flush(): Promise<void> {
        while (waiting.length > 0 && !broken) {
          const batch = waiting
          waiting = []
          await send({ d: batch.map(({ text, data }) => ({ t: text, j: data })) })
        }
        flight = null
      }

      return {
        write(chunk) {
          if (broken) return
          waiting.push(chunk)
          flight ??= flush()
        },
        async end() {
          await flight
          if (!broken) await send({ d: [], e: 1 })
        },
      }
    },
  }
}
