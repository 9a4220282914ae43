import type { Job } from 'bullmq'
import { z } from 'zod'
import { amountFor } from '../admission/model/rungs.ts'
import type { Disposition, ParkedBy, ParkedFor } from './disposition.ts'
import type { NoHold, OkPlan } from './judge-admission.ts'
import { leastOf } from './top-up-patience.ts'

/** Names what refused a plan. */
export function parkedFor(reply: NoHold, { windows, limits, offers }: OkPlan): ParkedFor {
  const [first, last] = [offers[0], offers.at(-1)]
  return {
    what: whatOf(reply, { windows, limits, offers }) ?? '',
    holdNano: first ? amountFor(first, first.capTokens) : 0,
    leastNano: last ? leastOf(last) : 0,
  }
}

function whatOf(
  reply: NoHold,
  { windows, limits, offers }: Pick<OkPlan, 'windows' | 'limits' | 'offers'>,
): string | undefined {
  if (reply.outcome === 'over-budget') return windows[reply.window]?.key
  if (reply.outcome !== 'busy') return undefined
  return reply.by === 'limit' ? limits[reply.index]?.key : offers[reply.index]?.gate
}

const PARKED_BY = ['budget', 'gate', 'limit', 'flight', 'slot'] as const satisfies ParkedBy[]

/** Stands in the progress of a parked job. */
const ParkNoteSchema = z.object({
  by: z.enum(PARKED_BY),
  what: z.string(),
  /** null = nothing was planned. */
  holdNano: z.int().min(0).nullable(),
  /** Absent in notes of earlier versions. */
  leastNano: z.int().min(0).optional(),
  sinceMs: z.int(),
  /** Failed attempts when it was parked: with more of them it waits for its next one instead. */
  made: z.int().min(0),
})
export type ParkNote = Readonly<z.infer<typeof ParkNoteSchema>>

type Noted = Pick<Job, 'progress' | 'attemptsMade' | 'updateProgress'>

/** @returns why a delayed job waits; null = for its next attempt, or it was parked by a version that said nothing. */
export function readParkNote({ progress, attemptsMade }: Pick<Noted, 'progress' | 'attemptsMade'>) {
  const { data: note } = ParkNoteSchema.safeParse(progress)
  return note?.made === attemptsMade ? note : null
}

/**
 * Writes beside a job why it waits, for whoever looks at parked work. Costs a trip only when that is news: a job that
 * looks again and again at a full limit writes once.
 */
export async function notePark(
  job: Noted,
  { by, for: wants }: Extract<Disposition, { do: 'park' }>,
  nowMs: number,
): Promise<void> {
  const known = readParkNote(job)
  const what = wants?.what ?? ''
  if (known?.by === by && known.what === what) return
  const holdNano = wants?.holdNano ?? known?.holdNano ?? null
  const leastNano = wants?.leastNano ?? known?.leastNano
  const sinceMs = known?.sinceMs ?? nowMs
  const note = { by, what, holdNano, sinceMs, made: job.attemptsMade }
  await job.updateProgress(leastNano === undefined ? note : { ...note, leastNano })
}
