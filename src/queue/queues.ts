import type { CompletionQueue, QueueBackend } from './backend.ts'
import { QUEUES, type QueueName } from './names.ts'

export type { CompletionQueue } from './backend.ts'
export type Queues = Readonly<Record<QueueName, CompletionQueue>>

/** Opens the queues over a connection that the caller of the backend owns and closes, after them. */
export function openQueues(backend: QueueBackend): Queues {
  // Commands report their own failures; an event nobody hears would end the process.
  const open = (name: QueueName): CompletionQueue => backend.openQueue(name).on('error', () => {})
  const [interactive, batch] = QUEUES
  return { interactive: open(interactive), batch: open(batch) }
}

export async function closeQueues(queues: Queues): Promise<void> {
  await Promise.all(QUEUES.map((name) => queues[name].close()))
}
