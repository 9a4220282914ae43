import { type CompletionJob, readJob } from '../../src/queue/job.ts'

/** @returns what travels in the queue for a request that nobody will serve. */
export const jobData = (id: string): CompletionJob =>
  readJob({
    ...{ v: 1, id, operation: 'chat.completions', model: 'auto', body: { messages: [] } },
    ...{ tenant: 'default', user: 'u', tier: 'basic', tags: {}, urgency: 'deferrable' },
    ...{ pinned: false, stream: false, deadlineMs: 0, replyTo: '', cacheKey: null },
    ...{ enqueuedAtMs: Date.now(), clockMs: 0 },
  })
