import { DrizzleQueryError } from 'drizzle-orm/errors'
import { BursarError } from '../errors.ts'

// https://www.postgresql.org/docs/current/errcodes-appendix.html, read 2026-11-21
const NOT_MIGRATED = new Set(['42P01', '42703', '3F000']) // undefined table, column, schema
const REFUSED_LOGIN = /^(28...|3D000)$/ // wrong user or password, no such database
// Connection, resources, shutdown or timeout, lock timeout, idle transaction, serialization, deadlock, read-only standby.
const PASSING = /^(08...|53...|57...|55P03|25P03|40001|40P01|25006)$/
// https://www.pgbouncer.org/config.html#ignore_startup_parameters, read 2026-11-22
const POOLER_REFUSES = /^unsupported startup parameter/
const SQLSTATE = /^[0-9A-Z]{5}$/

/** The ledger does not answer now; the same call may succeed later. */
const unavailable = (cause: unknown): BursarError =>
  new BursarError(
    'LEDGER_UNAVAILABLE',
    `the ledger's PostgreSQL does not answer (${reason(cause)}): check that it runs and that DATABASE_URL reaches it`,
    { cause, retryable: true },
  )

/** The database lacks what this version needs. */
export const notMigrated = (cause?: unknown): BursarError =>
  new BursarError(
    'LEDGER_NOT_MIGRATED',
    'the database is not migrated to this version of Bursar: run `npx bursar migrate`',
    { cause },
  )

const refusedLogin = (cause: unknown): BursarError =>
  new BursarError(
    'LEDGER_UNAVAILABLE',
    `PostgreSQL refused the connection (${reason(cause)}): correct user, password or database in DATABASE_URL`,
    { cause },
  )

const poolerRefused = (cause: unknown): BursarError =>
  new BursarError(
    'LEDGER_UNAVAILABLE',
    `a pooler stands before PostgreSQL and refused the connection (${reason(cause)}): let it pass over our settings as docs/operations.md says, "Through a pooler"`,
    { cause },
  )

/**
 * Names a database failure by its SQLSTATE. A driver failure without one never reached the server or lost it.
 * Anything else is returned as it is. Statement parameters, which carry tenants' data, are left behind.
 */
export function asLedgerError(error: unknown): unknown {
  if (error instanceof BursarError) return error
  const cause = causeOf(error)
  const code = codeOf(error)
  if (code !== undefined && SQLSTATE.test(code)) {
    if (NOT_MIGRATED.has(code)) return notMigrated(cause)
    if (REFUSED_LOGIN.test(code)) return refusedLogin(cause)
    if (POOLER_REFUSES.test(reason(cause))) return poolerRefused(cause)
    return PASSING.test(code) ? unavailable(cause) : cause
  }
  const fromDriver = error instanceof DrizzleQueryError || code !== undefined
  return fromDriver ? unavailable(cause) : error
}

/** Connects; every failure there is the server's or the network's, with a code or (a timeout) without. */
export async function connecting<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const named = asLedgerError(error)
    throw named === error ? unavailable(error) : named
  }
}

/** SQLSTATE or system error code, of the driver's error or of what a query made of it. */
export function codeOf(error: unknown): string | undefined {
  const cause = causeOf(error)
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}

const causeOf = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error

const reason = (cause: unknown): string => {
  const message = cause instanceof Error ? cause.message : ''
  return message || codeOf(cause) || 'no reason given'
}
