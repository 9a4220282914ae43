import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { CompletionJob } from './job.ts'
import { QUEUES, type QueueName } from './names.ts'

export type CompletionQueue = Queue<CompletionJob, void, string>
export type Queues = Readonly<Record<QueueName, CompletionQueue>>

// Results never travel by BullMQ's events, so few of them are worth keeping.
const EVENTS_KEPT = 1_000

/**
 * Opens the queues over one shared connection, which the caller owns and closes.
 * @param prefix - with braces, so that a queue lives in one Cluster slot.
 */
export function openQueues(connection: Redis, prefix: string): Queues {
  const open = (name: QueueName): CompletionQueue => {
    const queue: CompletionQueue = new Queue(name, {
      connection,
      prefix,
      streams: { events: { maxLen: EVENTS_KEPT } },
    })
    // Commands report their own failures; an event nobody hears would end the process.
    return queue.on('error', () => {})
  }
  const [interactive, batch] = QUEUES
  return { interactive: open(interactive), batch: open(batch) }
}

export async function closeQueues(queues: Queues): Promise<void> {
  await Promise.all(QUEUES.map((name) => queues[name].close()))
}
