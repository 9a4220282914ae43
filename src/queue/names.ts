import type { Urgency } from '../admission/outbox.ts'

/** Two queues, so that calls of ten minutes never hold the lanes that a person waits for. */
export const QUEUES = ['interactive', 'batch'] as const
export type QueueName = (typeof QUEUES)[number]

export const queueOf = (urgency: Urgency): QueueName =>
  urgency === 'interactive' ? 'interactive' : 'batch'

/** BullMQ's name of every job of ours. */
export const JOB_NAME = 'completion'

/** How long BullMQ keeps what ended: long enough to be looked at, never a leak. */
export const KEEP_ENDED = { age: 3_600, count: 1_000 } as const
