import type {
  ReleaseCommand,
  SettleCommand,
  SettleReply,
  Unavailable,
} from '../admission/commands.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { messageOf } from '../errors.ts'
import { levelFor } from '../telemetry/level-for.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Book } from './book.ts'
import type { Intents } from './intents/intents.ts'

export type SettledReply = Exclude<SettleReply, Unavailable>

/** What this process owes the slot. Nothing is dropped while the process lives. */
export interface Owed {
  /**
   * Settles, and keeps trying while the slot cannot be reached.
   * @returns null when it has not landed within `patienceMs`; it is then tried on in the background.
   */
  settle(command: SettleCommand, patienceMs: number): Promise<SettledReply | null>
  /** Gives a hold back that was never sent, now or as soon as the slot can be reached. */
  release(command: ReleaseCommand): Promise<void>
  /** Whether something of this job has not landed: its outcome is not known to the slot yet. */
  has(job: string): boolean
  readonly size: number
  /** Resolves when nothing is owed any more, false when `limitMs` passed before. */
  drained(limitMs: number): Promise<boolean>
}

interface OwedOptions {
  readonly store: Pick<AdmissionStore, 'settle' | 'release'>
  readonly logger: Logger
  /** Where it is written down what is owed; absent = nowhere: the slot cannot lose anything. */
  readonly book?: Book
  /** Where it is on disk, and the outcome is before the slot is told; absent = nowhere. */
  readonly intents?: Pick<Intents, 'known'>
  /** Told which jobs waited for the end of an attempt that has landed. */
  readonly wake?: (jobs: readonly string[]) => void
  /** Told how many commands are owed after each change. */
  readonly onSize?: (size: number) => void
  readonly firstDelayMs?: number
}

const MAX_DELAY_MS = 5_000

interface EndReply {
  readonly outcome: string
  readonly followers?: readonly string[]
}

const landed = <R extends EndReply>(reply: R): reply is Exclude<R, Unavailable> =>
  reply.outcome !== 'unavailable' && reply.outcome !== 'epoch-changed'

export function createOwed(options: OwedOptions): Owed {
  const { store, logger, book, intents, wake, onSize, firstDelayMs = 50 } = options
  /** attempt -> job, and the promise that ends when it landed. */
  const open = new Map<string, { job: string; done: Promise<unknown> }>()

  async function attempt<R extends EndReply>(
    send: () => Promise<R>,
  ): Promise<Exclude<R, Unavailable> | null> {
    try {
      const reply = await send()
      if (!landed(reply)) return null
      if (reply.followers && reply.followers.length > 0) wake?.(reply.followers)
      return reply
    } catch (error) {
      logger[levelFor(error)](
        { reason: messageOf(error) },
        'the slot was not reached; trying again',
      )
      return null
    }
  }

  async function untilLanded<R extends EndReply>(
    send: () => Promise<R>,
  ): Promise<Exclude<R, Unavailable>> {
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
      await pause(delayMs * (0.5 + Math.random() / 2))
      const reply = await attempt(send)
      if (reply) return reply
    }
  }

  function keep<R extends EndReply>(
    id: string,
    job: string,
    send: () => Promise<R>,
  ): Promise<Exclude<R, Unavailable>> {
    const done = untilLanded(send).finally(() => {
      open.delete(id)
      onSize?.(open.size)
    })
    open.set(id, { job, done })
    onSize?.(open.size)
    return done
  }

  return {
    async settle(command, patienceMs) {
      book?.known(command)
      await intents?.known(command)
      const send = async () => {
        const reply = await store.settle(command)
        if (landed(reply)) book?.landed(command.attempt)
        return reply
      }
      const reply = await attempt(send)
      if (reply) return reply
      logger.debug({ attempt: command.attempt }, 'a settlement is owed to the slot')
      return within(keep(command.attempt, command.job, send), patienceMs)
    },
    async release(command) {
      const { attempt: id, job } = command
      book?.dropped(id)
      const send = () => store.release(command)
      if (!(await attempt(send))) void keep(id, job, send)
    },
    has: (job) => open.size > 0 && [...open.values()].some((one) => one.job === job),
    get size() {
      return open.size
    },
    async drained(limitMs) {
      const all = Promise.all([...open.values()].map(({ done }) => done)).then(() => true)
      return (await within(all, limitMs)) ?? false
    },
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** @returns null when `limitMs` passed first; the work goes on. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
