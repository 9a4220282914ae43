import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { recordStep } from './audit.ts'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { POLICY_ORIGINS, type PolicyOrigin } from './schema.ts'

const Registered = z.object({
  version: z.number(),
  body: z.json(),
  origin: z.enum(POLICY_ORIGINS),
  createdAtMs: SafeInteger,
})
export type RegisteredPolicy = Readonly<z.infer<typeof Registered>>

/** Who puts a policy in force, and whence it came. */
export interface PolicySource {
  readonly origin: PolicyOrigin
  /** The version that it is meant to follow; absent = whichever is the newest. */
  readonly after?: number | undefined
}

const FROM_FILE: PolicySource = { origin: 'file' }

/**
 * Puts a policy in force and gives it its number. The same content as the newest keeps that one's; anything else, an
 * older content too, gets the next. Key order does not count, and neither does what JSON leaves out. The newest intent
 * wins: one that was applied stays in force while files have the text that it was applied over. A policy from a file is
 * in the audit log by the same commit. Safe from many processes at once. Resolve no secrets into `body` first: it is
 * stored as it is.
 * @returns what is in force now: what was given, unless an applied one stays.
 * @throws {BursarError} POLICY_CHANGED when another than `after` is the newest; LEDGER_UNAVAILABLE.
 */
export const registerPolicy = (
  ledger: Ledger,
  body: object,
  { origin, after }: PolicySource = FROM_FILE,
): Promise<RegisteredPolicy> =>
  ledger.transaction(async (tx) => {
    // The mode that excludes itself but no reader, so that two newcomers cannot draw one number.
    await run(tx, sql`lock table policies in share row exclusive mode`)
    const hash = createHash('sha256').update(canonical(body)).digest('hex')
    const newest = await newestOf(tx, sql`true`)
    if (after !== undefined && newest && newest.version !== after) throw changed(newest, after)
    if (newest?.hash === hash) return newest
    if (origin === 'file' && newest?.origin === 'applied') {
      const file = await newestOf(tx, sql`origin = 'file'`)
      if (file?.hash === hash) return newest
    }
    return insertPolicy(tx, { version: (newest?.version ?? 0) + 1, hash, body, origin })
  })

interface NewPolicy extends Pick<RegisteredPolicy, 'version' | 'origin'> {
  readonly hash: string
  readonly body: object
}

async function insertPolicy(tx: LedgerDb, policy: NewPolicy): Promise<RegisteredPolicy> {
  const { version, hash, body, origin } = policy
  const [row] = await rowsOf(
    tx,
    Registered,
    sql`
      insert into policies (version, hash, body, created_at_ms, origin)
      values (${version}, ${hash}, ${JSON.stringify(body)}::text::jsonb,
        (extract(epoch from clock_timestamp()) * 1000)::bigint, ${origin})
      returning ${COLUMNS}`,
  )
  if (!row) throw new RangeError('an insert returned no row')
  // What an operator applied stands there as their command.
  if (origin === 'file') {
    const step = { change: `policy-${version}`, atMs: row.createdAtMs, by: 'file' } as const
    const named = { ...step, action: 'policy-file' } as const
    await recordStep(tx, { ...named, step: 'asked', body: {} })
    await recordStep(tx, { ...named, step: 'done', body: { version } })
  }
  return row
}

/** @returns the policy under that number, the newest one without a number; null when there is none. */
export async function readPolicy(
  ledger: Ledger,
  version?: number,
): Promise<RegisteredPolicy | null> {
  const only = version === undefined ? sql`true` : sql`version = ${version}`
  const [row] = await rowsOf(
    ledger.db,
    Registered,
    sql`select ${COLUMNS} from policies where ${only} order by version desc limit 1`,
  )
  return row ?? null
}

/** @returns the policy that was in force at an instant, UTC ms by the database's clock; null = none was yet. */
export async function readPolicyAt(ledger: Ledger, atMs: number): Promise<RegisteredPolicy | null> {
  const [row] = await rowsOf(
    ledger.db,
    Registered,
    sql`
      select ${COLUMNS} from policies where created_at_ms <= ${atMs}::bigint
      order by version desc limit 1`,
  )
  return row ?? null
}

const COLUMNS = sql.raw(`version, body, origin, created_at_ms as "createdAtMs"`)

const Hashed = Registered.extend({ hash: z.string() })

async function newestOf(tx: LedgerDb, which: SQL) {
  const [row] = await rowsOf(
    tx,
    Hashed,
    sql`select ${COLUMNS}, hash from policies where ${which} order by version desc limit 1`,
  )
  return row
}

const changed = ({ version }: RegisteredPolicy, after: number): BursarError =>
  new BursarError(
    'POLICY_CHANGED',
    `version ${version} of the policy is in force, and not ${after}: look at the difference again (bursar policy diff), and apply it then`,
    { detail: { version, after } },
  )

/** JSON with sorted keys: one text for one content. */
function canonical(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
