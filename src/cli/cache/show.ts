import type { CacheHealth } from '../../admin/cache/health.ts'
import type { InvalidatedView } from '../../admin/cache/invalidate.ts'
import type { MetricsReset } from '../../admin/cache/reset-metrics.ts'
import type { CacheStatsView } from '../../admin/cache/stats.ts'
import { SLOWEST_MS } from '../../cache/figures/figures.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Output } from '../output.ts'
import { printable } from '../report/printable.ts'

const MIB = 2 ** 20
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
const percent = (share: number | null): string =>
  share === null ? '-' : `${(share * 100).toFixed(1)}%`
const millis = (ms: number | null): string =>
  ms === null ? '-' : ms >= SLOWEST_MS ? '> 1 s' : `${ms} ms`

/** Prints what is kept, how often it served and what that saved. */
export function showStats(found: CacheStatsView, output: Output): void {
  const { answers, memory, requests, data } = found
  const more = answers.counted ? '' : ', and more that were not counted'
  output.line(`answers kept: ${answers.kept}, ${mib(answers.bytes)}${more}`)
  if (memory) {
    const most = memory.maxBytes === null ? '' : ` of ${mib(memory.maxBytes)}`
    output.line(`Redis uses ${mib(memory.usedBytes)}${most}`)
  }
  if (found.countedSince !== null) output.note(`counted since ${found.countedSince}`)
  if (requests.length > 0) showRequests(requests, output)
  if (data.length > 0) showData(data, output)
  showNotes(found.invalidated, output)
}

function showRequests(requests: CacheStatsView['requests'], output: Output): void {
  output.line()
  output.table(
    ['TENANT', 'HITS', 'JOINED', 'PAID', 'FREE', 'COST USD', 'SAVED USD'],
    requests.map((one) => [
      printable(one.tenant === '' ? '-' : one.tenant),
      ...[one.hits, one.joined, one.paid].map(String),
      percent(one.hitRate),
      formatUsd(one.costNano),
      formatUsd(one.savedNano),
    ]),
  )
}

function showData(data: CacheStatsView['data'], output: Output): void {
  output.line()
  output.table(
    [
      ...['NAMESPACE', 'TENANT', 'HITS', 'MISSES', 'JOINED', 'STALE', 'UNREADABLE', 'HIT RATE'],
      ...['SERVED', 'P50', 'P95', 'P99'],
    ],
    data.map((one) => [
      ...[printable(one.namespace), printable(one.tenant)],
      ...[one.hits, one.misses, one.joined, one.stale, one.unreadable].map(String),
      ...[percent(one.hitRate), mib(one.bytes)],
      ...[one.readMs.p50, one.readMs.p95, one.readMs.p99].map(millis),
    ]),
  )
}

function showNotes(notes: CacheStatsView['invalidated'], output: Output): void {
  if (notes.length === 0) return
  output.line()
  output.table(
    ['INVALIDATED', 'BY', 'WHAT', 'DROPPED'],
    notes.map((note) => [
      note.at.replace(/\.\d+Z$/, 'Z'),
      printable(note.by),
      printable(note.what, 80),
      String(note.dropped),
    ]),
  )
}

/** Prints from when on is counted. */
export function showReset({ countedSince, notes }: MetricsReset, output: Output): void {
  output.line(`what the cache does is counted since ${countedSince}`)
  for (const note of notes) output.note(note)
}

/** Prints what was found well or ill, and what to do. */
export function showHealth({ ok, checks }: CacheHealth, output: Output): void {
  for (const check of checks) {
    const mark = check.ok ? output.paint('green', 'ok') : output.paint('red', 'ill')
    output.line(`${mark}  ${check.name}: ${check.found}`)
    if (!check.ok) output.line(`    mend: ${check.mend}`)
  }
  output.line(ok ? 'the cache is well' : 'the cache is not well')
}

/** Prints what went. */
export function showInvalidated(
  { removed, dropped, notes }: InvalidatedView,
  output: Output,
): void {
  if (dropped > 0) {
    output.table(
      ['OF', 'DROPPED'],
      removed.map((one) => [printable(one.of), String(one.dropped)]),
    )
  }
  output.line(dropped === 0 ? 'nothing was there to drop' : `${dropped} dropped`)
  for (const note of notes) output.note(note)
}
