import type { HistoryView, JobsView, RunView } from '../../admin/jobs.ts'
import type { Colour, Output } from '../output.ts'
import { printable } from '../report/printable.ts'

const COLOURS: Readonly<Record<RunView['state'], Colour>> = {
  asked: 'dim',
  running: 'blue',
  retrying: 'yellow',
  done: 'green',
  failed: 'red',
  'timed-out': 'red',
  died: 'red',
}

const second = (iso: string | null): string => iso?.replace(/\.\d+Z$/, 'Z') ?? '-'

/** Prints jobs as a table. */
export function showJobs({ jobs }: JobsView, output: Output): void {
  if (jobs.length === 0) {
    output.line('no process with the role jobs was ever here: npx bursar start starts one')
    return
  }
  output.table(
    ['JOB', 'SCHEDULE', 'TIMEZONE', 'NEXT', 'LAST', 'ENDED', 'WHAT'],
    jobs.map(({ name, schedule, timezone, next, last, about }) => [
      ...[name, schedule, timezone, second(next)],
      last ? stateOf(last, output) : '-',
      second(last?.endedAt ?? null),
      printable(about, 80),
    ]),
  )
}

/** Prints runs as a table. */
export function showRuns({ runs }: HistoryView, output: Output): void {
  if (runs.length === 0) {
    output.line('nothing ran yet')
    return
  }
  output.table(
    ['JOB', 'TICK', 'STATE', 'TOOK', 'BEGUN', 'MISSED', 'BY', 'RESULT'],
    runs.map((run) => [
      ...[run.job, second(run.tick), stateOf(run, output), took(run)],
      ...[String(run.attempts), String(run.missed)],
      printable(run.askedBy ?? 'schedule', 40),
      resultOf(run),
    ]),
  )
}

export function showRun(run: RunView, output: Output): void {
  const under = run.endedAt === null ? '; bursar jobs history shows how it goes on' : ''
  output.line(`${run.job} is ${stateOf(run, output)}: ${resultOf(run)}${under}`)
}

const stateOf = ({ state }: RunView, output: Output): string => output.paint(COLOURS[state], state)

function took({ startedAt, endedAt }: RunView): string {
  if (startedAt === null || endedAt === null) return '-'
  return `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000).toFixed(1)} s`
}

function resultOf({ figures, error }: RunView): string {
  if (error !== null) return printable(error, 120)
  const known = Object.entries(figures ?? {})
  if (known.length === 0) return 'nothing to do'
  return printable(known.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', '), 120)
}
