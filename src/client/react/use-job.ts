import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { StreamRequest } from '../types.ts'
import { useBursar } from './context.ts'
import { createJobRun, IDLE, type JobState } from './job-run.ts'

export interface JobHandle extends JobState {
  /** Starts a request, piece by piece into `text`; one that runs here is cancelled. Never rejects. */
  start(request: StreamRequest): Promise<void>
  cancel(): void
}

export interface JobOptions {
  /** False = `request` waits. Absent = true. */
  readonly enabled?: boolean
}

const idle = () => IDLE

/**
 * An answer that comes piece by piece.
 * @param request - started when the component is shown, and anew when it changes; absent = `start` starts one.
 */
export function useJob(request?: StreamRequest, { enabled = true }: JobOptions = {}): JobHandle {
  const { client } = useBursar()
  const [run] = useState(() => createJobRun(client))
  const state = useSyncExternalStore(run.subscribe, run.read, idle)
  const key = enabled && request !== undefined ? JSON.stringify(request) : null
  useEffect(() => {
    // What was rendered is what the key was written from.
    if (key !== null) run.startOnce(key, JSON.parse(key))
  }, [run, key])
  const start = useCallback((wanted: StreamRequest) => run.start(wanted), [run])
  return { ...state, start, cancel: run.cancel }
}
