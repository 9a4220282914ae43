import type { Runway } from '../../admin/runway/runway.ts'
import { formatUsd } from '../../money/usd.ts'
import { printable } from './printable.ts'

/** Says when a tenant's money is used up, at the rate of the last hours. */
export function runwayWords({ budget, window, leftNano, usedUpAt }: Runway): string {
  if (budget === null || leftNano === null) return 'no budget'
  const which = printable(`${budget} ${window}`, 60)
  if (leftNano <= 0) return `used up: ${which}`
  return usedUpAt === null ? `lasts: ${which}` : `until ${toTheSecond(usedUpAt)}: ${which}`
}

/** Header and rows, who runs out first first. */
export const runwaysTable = (runways: readonly Runway[]) => ({
  header: ['TENANT', 'USD AN HOUR', 'LEFT USD', 'RUNWAY'],
  rows: runways.map((runway) => [
    printable(runway.tenant),
    formatUsd(runway.perHourNano),
    runway.leftNano === null ? '-' : formatUsd(runway.leftNano),
    runwayWords(runway),
  ]),
})

const toTheSecond = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z')
