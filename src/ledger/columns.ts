import { customType } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { BursarError } from '../errors.ts'

/**
 * A Postgres bigint as a number. It arrives as a string from pg and as a number or bigint from PGlite.
 * @throws {BursarError} INVALID_MONEY when it is beyond 2^53 - 1, where a number would lose digits in silence.
 */
export function safeInteger(raw: string | number | bigint): number {
  const value = Number(raw)
  if (Number.isSafeInteger(value)) return value
  const message = `the ledger holds ${raw}, which is beyond 2^53 - 1; correct that row before it is read again`
  throw new BursarError('INVALID_MONEY', message, { detail: { value: String(raw) } })
}

/** The same as a schema, for the rows of hand-written SQL. */
export const SafeInteger = z.union([z.string(), z.number(), z.bigint()]).transform(safeInteger)

const bigintColumn = customType<{ data: number; driverData: string | number | bigint }>({
  dataType: () => 'bigint',
  fromDriver: safeInteger,
})

/** Integer nano-USD. */
export const nano = bigintColumn

/**
 * An instant in UTC milliseconds, as the slot's clock gave it. Not timestamptz: the number in the outbox, the one
 * compared when a posting comes twice and the one that code works with stay the same, digit for digit, without a
 * parser or a session's time zone between them. People see `to_timestamp(x / 1000.0)`.
 */
export const ms = bigintColumn

/** A whole number of tokens or rows. */
export const count = bigintColumn
