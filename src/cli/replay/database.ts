import { Client } from 'pg'
import { BursarError } from '../../errors.ts'
import { asLedgerError, connecting } from '../../ledger/errors.ts'

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const INSUFFICIENT_PRIVILEGE = '42501'
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Creates a database beside the one that `serverUrl` names.
 * @param name - letters, digits and underscores alone: it is spelt into the statement.
 * @returns its address.
 * @throws {BursarError} LEDGER_UNAVAILABLE, also with the mend when the role may not create databases.
 */
export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await run(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Drops it, whoever is still connected. Harmless when it is gone. */
export const dropDatabase = (serverUrl: string, name: string): Promise<void> =>
  run(serverUrl, `drop database if exists ${name} with (force)`)

async function run(serverUrl: string, statement: string): Promise<void> {
  const client = new Client({
    connectionString: serverUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'bursar-replay',
    options: '-c client_min_messages=warning',
  })
  client.on('error', () => {}) // the statement under way reports it
  await connecting(() => client.connect())
  try {
    await client.query(statement)
  } catch (error) {
    throw isForbidden(error) ? forbidden(serverUrl, error) : asLedgerError(error)
  } finally {
    await client.end()
  }
}

const isForbidden = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE

function forbidden(serverUrl: string, cause: unknown): BursarError {
  const role = decodeURIComponent(new URL(serverUrl).username) || 'that role'
  return new BursarError(
    'LEDGER_UNAVAILABLE',
    `a replay works in a database of its own, and ${role} may not create one: run "alter role ${role} createdb" as a superuser, or set DATABASE_URL to a server for tests`,
    { cause, detail: { role } },
  )
}
