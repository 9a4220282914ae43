import type { AdmitCommand, AdmitReply } from '../commands.ts'
import { type Context, jobOf } from './state.ts'

/** Waiting for more calls than this, each of which may fail or answer what others may not have, is no gain. */
export const MAX_JOINS = 3
/** The end of a call tells all who wait for it at once: as many as one reply bears. The next one calls by itself. */
export const MAX_FOLLOWERS = 10_000

/** Somebody is asking the same right now: waits for that answer instead of paying for another. */
export function joinFlight(ctx: Context, command: AdmitCommand): AdmitReply | null {
  const { state, nowMs } = ctx
  const flight = command.cacheKey === null ? undefined : state.flights.get(command.cacheKey)
  if (!flight || flight.untilMs <= nowMs) return null
  const leader = state.attempts.get(flight.attempt)
  if (leader?.state !== 'H' || leader.job === command.job) return null
  const known = state.jobs.get(command.job)
  if (known?.joined !== flight.attempt) {
    if ((known?.joins ?? 0) >= MAX_JOINS || flight.jobs.length >= MAX_FOLLOWERS) return null
    const job = jobOf(ctx, command.job)
    job.joined = flight.attempt
    job.joins += 1
    flight.jobs.push(command.job)
  }
  return { outcome: 'joined', untilMs: flight.untilMs, attempt: flight.attempt }
}

/** The attempt that just got its hold asks for everybody who wants the same. */
export function beginFlight({ state, nowMs }: Context, command: AdmitCommand): void {
  const { cacheKey, attempt, job, ttlMs } = command
  if (cacheKey === null) return
  const before = state.flights.get(cacheKey)
  // A takeover: who waited for the job's take before waits for this one.
  const isOwn = before && before.untilMs > nowMs && before.attempt.startsWith(`${job}/`)
  state.flights.set(cacheKey, { attempt, untilMs: nowMs + ttlMs, jobs: isOwn ? before.jobs : [] })
}

/** @returns the jobs that waited for this attempt, each once: a replay answers none. */
export function endFlight(
  { state }: Context,
  attempt: string,
  flight: string | null,
): readonly string[] {
  const found = flight === null ? undefined : state.flights.get(flight)
  if (flight === null || found?.attempt !== attempt) return []
  state.flights.delete(flight)
  return found.jobs
}
