import type { Redis } from 'ioredis'
import { judgeSlot, lookAtSlot, type SlotLook } from '../admission/redis/lives.ts'
import type { Logger } from '../telemetry/logger.ts'
import { askServer } from './server.ts'

export interface LookParts {
  readonly prefix: string
  readonly logger: Logger
  /** What else speaks against a server that says it has everything; null = nothing. Absent = nothing is known. */
  readonly evidence?: (slot: OpenSlot, redis: Redis) => Promise<string | null>
  /** The slot is missing or closed. */
  readonly onLost?: () => void
}

export type OpenSlot = Extract<SlotLook, { epoch: number }>

/**
 * Looks at the server after a (re)connect: one on which the slot did not run before keeps it open when it has all that it
 * acknowledged, and else closes it to everybody. (PROTOCOL 3.10)
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function lookAtServer(redis: Redis, parts: LookParts): Promise<void> {
  const { prefix, logger, evidence, onLost } = parts
  const slot = await lookAtSlot({ redis, prefix })
  if (slot.state !== 'open') return onLost?.()
  const { run, doubt: said } = await askServer(redis)
  if (slot.run === run && run !== '') return
  const doubt = said ?? (await evidence?.(slot, redis)) ?? null
  const state = await judgeSlot({ redis, prefix }, { seen: slot.run, run, doubt })
  if (state === 'open') {
    if (doubt === null) logger.info({ run }, 'Redis was started anew and has everything')
    return
  }
  logger.error({ run, doubt }, 'Redis may have lost what it had acknowledged: the slot is closed')
  onLost?.()
}
