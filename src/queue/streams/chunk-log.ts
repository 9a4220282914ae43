import type { Redis } from 'ioredis'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { messageOf } from '../../errors.ts'
import type { StreamChunk } from '../../provider/types.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { LogEntry, LogLine } from './log-entry.ts'

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
  /**
   * Tells whoever follows `job` that another job is asking the same, and to follow that one until there are chunks of
   * its own. Never throws: who is not told waits for the whole answer.
   */
  join(job: string, leader: string): Promise<void>
  /**
   * Tells whoever follows `job` that this take broke off and another one follows, before that one begins: who cannot
   * start over leaves in time. Never throws: who is not told hears it from the next take.
   */
  breakOff(job: string, attempt: number): Promise<void>
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
  const append = (job: string, line: LogLine) => {
    const key = logKey(job)
    return runScript(redis, script, [key], [key, JSON.stringify(line), KEPT_ENTRIES, KEPT_MS])
  }
  return {
    async join(job, leader) {
      try {
        await append(job, { w: leader })
      } catch (error) {
        logger.warn({ job, reason: messageOf(error) }, 'a stream was not told whom it joined')
      }
    },
    async breakOff(job, attempt) {
      try {
        await append(job, { a: attempt, s: 0, d: [], x: 1 })
      } catch (error) {
        logger.warn({ job, reason: messageOf(error) }, 'a stream was not told that it broke off')
      }
    },
    open(job, attempt) {
      let waiting: StreamChunk[] = []
      let seq = 0
      let flight: Promise<void> | null = null
      let broken = false

      async function send(rest: Omit<LogEntry, 'a' | 's'>): Promise<void> {
        const entry: LogEntry = { a: attempt, s: seq, ...rest }
        for (let tried = 1; ; tried++) {
          try {
            await append(job, entry)
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
