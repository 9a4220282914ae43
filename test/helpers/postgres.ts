import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { migrate } from '../../src/ledger/migrate.ts'

const TEMPLATE = 'bursar_template'

/** The same server, another database. */
export function onDatabase(url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}

/** Runs work on one connection that is closed afterwards. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Makes the migrated database that `freshDatabase` copies. Called once per run. */
export async function createTemplate(serverUrl: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    await client.query(`create database ${TEMPLATE}`)
    await migrate(onDatabase(serverUrl, TEMPLATE))
    // Nobody may connect, autovacuum neither: a copy is refused while anyone does.
    await client.query(`alter database ${TEMPLATE} with is_template true allow_connections false`)
  })
}

/** A database of one's own with every migration applied, about 50 ms. It lives as long as the test run. */
export async function freshDatabase(): Promise<string> {
  const server = inject('databaseUrl')
  const name = `t_${randomBytes(6).toString('hex')}`
  await withClient(server, (client) => client.query(`create database ${name} template ${TEMPLATE}`))
  return onDatabase(server, name)
}

/** A database of one's own without any table. */
export async function emptyDatabase(): Promise<string> {
  const server = inject('databaseUrl')
  const name = `t_${randomBytes(6).toString('hex')}`
  await withClient(server, (client) => client.query(`create database ${name}`))
  return onDatabase(server, name)
}
