import { Client } from 'pg'
import { z } from 'zod'
import { asLedgerError, connecting } from '../ledger/errors.ts'
import { TABLES } from './types.ts'

/** What is in a database: nothing of a ledger's, what this move left there, or something else. */
export type Occupancy =
  | { readonly is: 'empty' }
  | { readonly is: 'ours' }
  /** @param found - one line each, for a person. */
  | { readonly is: 'taken'; readonly found: readonly string[] }

const CONNECT_TIMEOUT_MS = 10_000

/** Moves that a database received. Written by them alone, and read by nobody else. */
const MOVES = 'bursar_moves'

const Exists = z.tuple([z.object({ exists: z.boolean() })])
const Count = z.tuple([z.object({ count: z.coerce.number() })])
const SlotRows = z.array(z.object({ epoch: z.coerce.number() }))

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'bursar-move',
    options: '-c client_min_messages=warning',
  })
  client.on('error', () => {}) // the statement under way reports it
  await connecting(() => client.connect())
  try {
    return await work(client)
  } catch (error) {
    throw asLedgerError(error)
  } finally {
    await client.end()
  }
}

async function has(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query('select to_regclass($1) is not null as exists', [table])
  return Exists.parse(rows)[0].exists
}

/**
 * Looks what a database holds; migrated or not. Reads only.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export const lookAtDatabase = (url: string, move: string | null): Promise<Occupancy> =>
  withClient(url, async (client) => {
    if (move !== null && (await has(client, MOVES))) {
      const { rowCount } = await client.query(`select from ${MOVES} where id = $1`, [move])
      if (rowCount === 1) return { is: 'ours' }
    }
    const found: string[] = []
    for (const table of TABLES) {
      if (!(await has(client, table))) continue
      const { rows } = await client.query(`select count(*) from ${table}`)
      const [{ count }] = Count.parse(rows)
      if (count > 0) found.push(`${count} rows in the ledger's table ${table}`)
    }
    if (await has(client, 'slot')) {
      const [slot] = SlotRows.parse((await client.query('select epoch from slot')).rows)
      if (slot && slot.epoch > 0) found.push(`the ledger of a slot (epoch ${slot.epoch})`)
    }
    return found.length > 0 ? { is: 'taken', found } : { is: 'empty' }
  })

/** Writes down that what comes now is of this move. Again is harmless. @throws {BursarError} LEDGER_UNAVAILABLE. */
export const claimDatabase = (url: string, move: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query(
      `create table if not exists ${MOVES} (id text primary key, began_at timestamptz not null default now())`,
    )
    await client.query(`insert into ${MOVES} (id) values ($1) on conflict do nothing`, [move])
  })
