import { z } from 'zod'
import type { LedgerPolicy } from './policy-types.ts'

const MONTHS = /^([1-9]\d{0,2})mo$/
/** Money of the last two months is still moving. */
const LEAST_MONTHS = 2

/** How long the rows of calls are kept; what they add up to is kept for ever. */
export const LedgerSchema = z.strictObject({
  retention: z
    .string()
    .refine((text) => text === 'forever' || MONTHS.test(text), {
      error: 'write forever, or a number of months, e.g. 13mo',
    })
    .refine((text) => text === 'forever' || monthsOf(text) >= LEAST_MONTHS, {
      error: `write ${LEAST_MONTHS}mo or more: money of the last two months is still moving`,
    })
    .default('forever'),
})

const monthsOf = (text: string): number => Number(MONTHS.exec(text)?.[1] ?? Number.NaN)

export const buildLedger = ({ retention }: z.infer<typeof LedgerSchema>): LedgerPolicy => ({
  retentionMonths: retention === 'forever' ? null : monthsOf(retention),
})

/** As it is stored. */
export const StoredLedgerSchema = z.object({ retentionMonths: z.int().min(1).nullable() })
