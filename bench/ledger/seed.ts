import { Presets, SingleBar } from 'cli-progress'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createPartitions, monthOf } from '../../src/ledger/partitions.ts'
import { FILL_STEPS, fillMonth } from './fill.ts'

export interface SeedOptions {
  readonly seed: number
  readonly calls: number
  readonly months: number
  readonly tenants: number
  /** An instant of the last month. */
  readonly endMs: number
  /** Called when a month is there, with how many calls there are by then. */
  readonly onMonth?: (monthFromMs: number, calls: number) => Promise<void>
}

/** Fills an empty ledger, month by month, with a bar on stderr; use grows by the month. */
export async function seed(ledger: Ledger, options: SeedOptions): Promise<void> {
  const { endMs, months, calls, onMonth, ...of } = options
  await createPartitions(ledger, monthOf(endMs, 1 - months).fromMs, months)
  const bar = new SingleBar({ stream: process.stderr }, Presets.shades_classic)
  bar.start(months * FILL_STEPS, 0)
  const total = (months * (months + 11)) / 2
  let [from, weight] = [1, 0]
  for (let at = 0; at < months; at += 1) {
    weight += at + 6
    const until = 1 + Math.round((calls * weight) / total)
    const month = monthOf(endMs, at + 1 - months)
    await fillMonth(ledger, { ...of, month, from, calls: until - from }, () => bar.increment())
    await onMonth?.(month.fromMs, until - 1)
    from = until
  }
  bar.stop()
}
