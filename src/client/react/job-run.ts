import type { Answer } from '../answer.ts'
import type { Client } from '../client-type.ts'
import type { StreamRequest } from '../types.ts'

/** A streamed answer as a page shows it. */
export interface JobState {
  readonly status: 'idle' | 'running' | 'answered' | 'failed' | 'cancelled'
  readonly jobId: string | null
  /** As far as it has come. */
  readonly text: string
  /** Whole, with its receipt; null until then. */
  readonly answer: Answer | null
  /** A `BursarError` with its code, where `failed`. */
  readonly error: unknown
}

/** One place for one answer at a time. Knows nothing of React. */
export interface JobRun {
  subscribe(listener: () => void): () => void
  read(): JobState
  /** Starts a request; the one before it is cancelled. Resolves when it has ended, however. */
  start(request: StreamRequest): Promise<void>
  /** The same, unless this very request was started last. @param key - names it. */
  startOnce(key: string, request: StreamRequest): void
  /** Nobody waits any more: the request is cancelled, what it cost so far is booked. */
  cancel(): void
}

export const IDLE: JobState = { status: 'idle', jobId: null, text: '', answer: null, error: null }

export function createJobRun(client: Pick<Client, 'stream'>): JobRun {
  const listeners = new Set<() => void>()
  let state = IDLE
  let current: AbortController | null = null
  let startedKey: string | null = null
  let leaving: ReturnType<typeof setTimeout> | null = null

  const put = (change: Partial<JobState>) => {
    state = { ...state, ...change }
    for (const listener of listeners) listener()
  }

  async function follow(request: StreamRequest, own: AbortController): Promise<void> {
    const isCurrent = () => current === own
    try {
      const stream = client.stream(request, { signal: own.signal })
      stream.jobId.then((jobId) => isCurrent() && put({ jobId })).catch(() => {})
      let text = ''
      for await (const part of stream) {
        text = part.restart ? part.text : text + part.text
        if (isCurrent()) put({ text })
      }
      const answer = await stream.final
      if (isCurrent()) put({ status: 'answered', text: answer.text, answer })
    } catch (error) {
      if (isCurrent()) put({ status: 'failed', error })
    }
  }

  function start(request: StreamRequest): Promise<void> {
    current?.abort()
    current = new AbortController()
    put({ ...IDLE, status: 'running' })
    return follow(request, current)
  }

  function cancel(): void {
    if (state.status !== 'running') return
    current?.abort()
    current = null
    startedKey = null
    put({ status: 'cancelled' })
  }

  return {
    subscribe(listener) {
      if (leaving !== null) clearTimeout(leaving)
      leaving = null
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        // A moment later: StrictMode comes back at once.
        if (listeners.size === 0) leaving = setTimeout(cancel, 0)
      }
    },
    read: () => state,
    start(request) {
      startedKey = null
      return start(request)
    },
    startOnce(key, request) {
      if (key === startedKey) return
      startedKey = key
      void start(request)
    },
    cancel,
  }
}
