import { differencesIn } from '../../ledger/cubes/compare.ts'
import type { CubeDifference } from '../../ledger/cubes/scan.ts'
import type { Stretch } from '../../ledger/cubes/stretches.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Findings } from './findings.ts'

/**
 * The sums that questions are answered from against the calls themselves, some days at a time.
 * @param onRows - told how many calls and requests were counted anew.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function checkUsageSums(
  ledger: Pick<Ledger, 'db'>,
  stretches: readonly Stretch[],
  findings: Findings,
  onRows: (rows: number) => void,
): Promise<void> {
  for (const stretch of stretches) {
    for (const one of await differencesIn(ledger, stretch)) {
      findings.add('usage-differs', nameOf(one), `kept/counted: ${one.measures}`)
    }
    onRows(stretch.rows)
  }
}

const TIME = /^(\d+) /

/** `usage_daily 2026-11-21T00:00Z acme u42 ...` */
export const nameOf = ({ table, key }: Pick<CubeDifference, 'table' | 'key'>): string =>
  `${table} ${key.replace(TIME, (_, ms: string) => `${new Date(Number(ms)).toISOString().slice(0, 16)}Z `)}`

export const rowsIn = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { rows }) => sum + rows, 0)
