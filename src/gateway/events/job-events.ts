import { setTimeout as sleep } from 'node:timers/promises'
import type { FollowedJob } from '../../client/client-type.ts'
import type { ServerEvent } from '../event-stream.ts'
import { type NamedPart, unheard } from './heard-parts.ts'
import { isSame, type JobState } from './job-state.ts'

/** Says to whoever comes back that nothing is new. */
export const ENDED_ID = 'ended'

export interface JobEventsOptions {
  readonly id: string
  readonly followed: FollowedJob
  /** Where the job stands; null = it has ended. */
  look(): Promise<JobState | null>
  /** The last event that was heard; null = none. */
  readonly heard: string | null
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal
  /** How often it is looked where the job stands, ms. */
  readonly pollMs?: number
}

const POLL_MS = 1_000

type Turn =
  | { readonly of: 'part'; readonly step: IteratorResult<NamedPart, void> }
  | { readonly of: 'state'; readonly step: IteratorResult<JobState, void> }

/**
 * What happens to a job until it ends: `queued`, `parked`, `started`, and each `part` of a streamed one. Pieces come at
 * once; where a job stands is looked at each second, so that a thousand listeners cost a queue nothing.
 */
export async function* jobEvents(options: JobEventsOptions): AsyncGenerator<ServerEvent, void> {
  const { id, followed, heard } = options
  const parts = unheard(followed.parts, heard)
  const states = changesOf(options)
  let told: JobState['is'] | null = null
  const nextPart = (): Promise<Turn> => parts.next().then((step) => ({ of: 'part', step }))
  const nextState = (): Promise<Turn> => states.next().then((step) => ({ of: 'state', step }))
  let part = nextPart()
  let state: Promise<Turn> | null = nextState()
  for (;;) {
    const turn: Turn = await Promise.race(state ? [state, part] : [part])
    if (turn.of === 'state') {
      state = turn.step.done ? null : nextState()
      if (turn.step.done) continue
      told = turn.step.value.is
      yield eventOf(id, turn.step.value)
      continue
    }
    if (turn.step.done) return
    // Pieces are quicker than the look that finds out that somebody works.
    if (told !== 'started') yield eventOf(id, { is: 'started' })
    told = 'started'
    yield { event: 'part', id: turn.step.value.id, data: turn.step.value.part }
    part = nextPart()
  }
}

const eventOf = (id: string, { is, ...more }: JobState): ServerEvent => ({
  event: is,
  data: { id, status: is, ...more },
})

/** Where the job stands, whenever that is news; ends when it has ended, or nobody listens. */
async function* changesOf({
  look,
  signal,
  pollMs = POLL_MS,
}: JobEventsOptions): AsyncGenerator<JobState, void> {
  let last: JobState | null = null
  while (!signal.aborted) {
    // Redis may be away for a moment; the end is found another way.
    const state = await look().catch(() => last)
    if (state === null && last !== null) return
    if (state !== null && !isSame(last, state)) {
      last = state
      yield state
    }
    if (state === null) return
    await sleep(pollMs, undefined, { signal, ref: false }).catch(() => {})
  }
}
