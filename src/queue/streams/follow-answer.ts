import { impersonalChunk } from '../../cache/impersonal.ts'
import { jobOfAttempt } from '../ids.ts'
import { followLines, type Line, type LogSource } from './follow.ts'
import { RESTART, type StreamPart } from './log-entry.ts'

/** How a request ended well: by its receipt. */
export interface Ending {
  /** The attempt of another job that paid for the answer; null = none did. */
  readonly paidBy: string | null
}

type Step = IteratorResult<Line, boolean>

/** A log that is read one step ahead, so that two of them can be waited for. */
interface Reader {
  readonly job: string
  /** null = it has ended. */
  next: Promise<Step> | null
  /** Whether it held a whole answer; false while it goes on. */
  whole: boolean
  /** Takes the step that was waited for, and asks for the one after it. */
  take(step: Step): void
  /** Nobody reads on. */
  drop(): void
}

/**
 * Follows the answer of a job from its first chunk. While it waits for another job that asks the same, that one's log is
 * followed from its start; where the answer turns out to be another one than what was shown, it starts over.
 * @param ended - settles when the request has ended.
 * @returns whether what came is the whole answer.
 */
export async function* followAnswer(
  source: LogSource,
  job: string,
  ended: Promise<Ending>,
): AsyncGenerator<StreamPart, boolean> {
  const own = openReader(source, job, ended)
  let lead: Reader | null = null
  let isLeadShown = false
  const leave = (): StreamPart[] => {
    const shown = isLeadShown ? [RESTART] : []
    lead?.drop()
    lead = null
    isLeadShown = false
    return shown
  }
  try {
    while (own.next) {
      const { of, line } = await nextOf(lead ? [own, lead] : [own])
      if (line === null) continue
      if ('join' in line) {
        if (of !== own || lead?.job === line.join) continue
        yield* leave()
        lead = openReader(forgiving(source), line.join, ended)
        continue
      }
      if (of === own) {
        yield* leave()
        yield line
      } else {
        isLeadShown = true
        yield ofAnother(line)
      }
    }
    if (own.whole || lead === null) return own.whole
    return yield* restOf(lead, ended)
  } finally {
    own.drop()
    lead?.drop()
  }
}

/** What the other job's log still holds when the request has ended; the whole answer only if that job paid for it. */
async function* restOf(lead: Reader, ended: Promise<Ending>): AsyncGenerator<StreamPart, boolean> {
  while (lead.next) {
    const { line } = await nextOf([lead])
    if (line !== null && !('join' in line)) yield ofAnother(line)
  }
  const { paidBy } = await ended.catch(() => ({ paidBy: null }))
  return lead.whole && paidBy !== null && jobOfAttempt(paidBy) === lead.job
}

/** What another asker is told, without what says who that is. */
const ofAnother = (part: StreamPart): StreamPart =>
  part.data === null ? part : { ...part, data: impersonalChunk(part.data) }

/** Without the other job's log one waits for the whole answer, as if it wrote none. */
const forgiving = (source: LogSource): LogSource => ({
  ...source,
  subscribe: (job, listener) => source.subscribe(job, listener).catch(() => async () => {}),
  range: (job, afterId, limit) => source.range(job, afterId, limit).catch(() => []),
})

/** The next line of whichever log has one; null = that log has ended. */
async function nextOf(readers: readonly Reader[]): Promise<{ of: Reader; line: Line | null }> {
  const steps = readers.flatMap((of) => (of.next ? [of.next.then((step) => ({ of, step }))] : []))
  const { of, step } = await Promise.race(steps)
  of.take(step)
  return { of, line: step.done ? null : step.value }
}

function openReader(source: LogSource, job: string, ended: Promise<unknown>): Reader {
  let close = () => {}
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  const lines = followLines(source, job, Promise.race([ended.catch(() => {}), closed]))
  const step = (): Promise<Step> => {
    const next = lines.next()
    // Nobody may wait for it any more when it fails.
    next.catch(() => {})
    return next
  }
  const reader: Reader = {
    job,
    next: step(),
    whole: false,
    take(taken) {
      if (taken.done) reader.whole = taken.value
      reader.next = taken.done ? null : step()
    },
    drop() {
      close()
      lines.return(false).catch(() => {})
    },
  }
  return reader
}
