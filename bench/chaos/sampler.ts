import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { WindowState } from '../../src/admission/commands.ts'
import { splitWindowKey } from '../../src/admission/outbox.ts'
import type { AdmissionStore } from '../../src/admission/store.ts'
import type { Nano } from '../../src/money/nano.ts'
import type { PolicyFile } from './policy.ts'

/** A window that stood higher than any limit allows, unless overruns posted in between explain it. */
export interface Suspect {
  readonly key: string
  readonly fromMs: number
  readonly toMs: number
  readonly excessNano: Nano
}

export interface Sampler {
  /** Looks at all windows that Redis answered. */
  readonly samples: number
  readonly suspects: readonly Suspect[]
  stop(): Promise<void>
}

interface SamplerParts {
  readonly store: Pick<AdmissionStore, 'peek' | 'windows'>
  readonly redis: Redis
  readonly policy: PolicyFile
}

/** As a window was last seen, and a moment before that, by the clock of Redis. */
interface Seen {
  readonly state: WindowState
  readonly beforeMs: number
}

const EVERY_MS = 200

/** Looks at every window several times a second: what is spent and held never passes the limit in force. */
export function startSampler({ store, redis, policy }: SamplerParts): Sampler {
  const stopped = new AbortController()
  const suspects: Suspect[] = []
  const last = new Map<string, Seen>()
  let samples = 0

  async function look(): Promise<void> {
    const keys = await store.windows()
    const beforeMs = await timeOf(redis)
    const states = await store.peek(keys)
    const toMs = await timeOf(redis)
    samples += 1
    for (const state of states) {
      if (!state) continue
      const seen = last.get(state.key)
      const highestNano = policy.highestOf(splitWindowKey(state.key).budget)
      const excessNano = totalOf(state) - allowed(state, seen?.state, highestNano)
      if (excessNano > 0) {
        suspects.push({ key: state.key, fromMs: seen?.beforeMs ?? 0, toMs, excessNano })
      }
      last.set(state.key, { state, beforeMs })
    }
  }

  async function loop(): Promise<void> {
    const { signal } = stopped
    while (!signal.aborted) {
      // Redis is away, or does not answer: there is nothing to see.
      await look().catch(() => {})
      await pause(EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }

  const looping = loop()
  return {
    get samples() {
      return samples
    },
    suspects,
    async stop() {
      stopped.abort()
      await looping
    },
  }
}

const totalOf = ({ spentNano, heldNano }: WindowState): Nano => spentNano + heldNano

/**
 * Under one version of the policy the limit stands still: whoever is above it, because it was lowered, may only go down.
 * When the version changed between two looks, any limit that the budget ever had may have been in force.
 */
export function allowed(
  now: WindowState,
  before: WindowState | undefined,
  highestNano: Nano,
): Nano {
  const isSameLimit = before?.policy === now.policy
  return Math.max(isSameLimit ? now.limitNano : highestNano, before ? totalOf(before) : 0)
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}
