import { and, desc, eq, gt, isNull, like, or } from 'drizzle-orm'
import { BursarError } from '../errors.ts'
import { asking, type Ledger } from './ledger.ts'
import { credits } from './schema.ts'

/** A credit as the ledger has it, revoked or not. */
export type LedgerCredit = Readonly<typeof credits.$inferSelect>
export type NewCredit = Omit<LedgerCredit, 'revokedBy' | 'revokedAtMs' | 'revokedReason'>

/**
 * Writes a credit down, before the slot is told of it. Another one under the same id changes nothing.
 * @returns what is on record under the id. @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export async function insertCredit(
  { db }: Pick<Ledger, 'db'>,
  credit: NewCredit,
): Promise<LedgerCredit> {
  const row = { ...credit, marks: [...credit.marks] }
  // Changes nothing of what is there, and returns it.
  const first = { target: credits.id, set: { id: credit.id } }
  const [kept] = await asking(() =>
    db.insert(credits).values(row).onConflictDoUpdate(first).returning(),
  )
  if (!kept) throw new TypeError('an insert returns its row')
  return kept
}

/** @returns undefined when nothing was granted under this id. */
export async function findCredit(
  { db }: Pick<Ledger, 'db'>,
  id: string,
): Promise<LedgerCredit | undefined> {
  const [found] = await asking(() => db.select().from(credits).where(eq(credits.id, id)))
  return found
}

export interface Revocation {
  readonly by: string
  readonly atMs: number
  readonly reason: string
}

/**
 * Marks a credit as revoked. A second time changes nothing.
 * @throws {BursarError} UNKNOWN_CREDIT.
 */
export async function revokeCredit(
  { db }: Pick<Ledger, 'db'>,
  id: string,
  { by, atMs, reason }: Revocation,
): Promise<LedgerCredit> {
  const change = { revokedBy: by, revokedAtMs: atMs, revokedReason: reason }
  const mine = eq(credits.id, id)
  await asking(() =>
    db
      .update(credits)
      .set(change)
      .where(and(mine, isNull(credits.revokedAtMs))),
  )
  const found = await findCredit({ db }, id)
  if (found) return found
  throw new BursarError(
    'UNKNOWN_CREDIT',
    `no credit has the id ${id}: bursar budget list shows those there are`,
    { detail: { credit: id } },
  )
}

/** What may still count, revoked ones too: the slot is told of all of it again. */
export const openCredits = (
  { db }: Pick<Ledger, 'db'>,
  nowMs: number,
): Promise<readonly LedgerCredit[]> =>
  asking(() =>
    db
      .select()
      .from(credits)
      .where(and(gt(credits.endMs, nowMs), or(isNull(credits.untilMs), gt(credits.untilMs, nowMs))))
      .orderBy(credits.grantedAtMs, credits.id),
  )

/** Every credit, newest first. @param budget - it and its subjects alone; null = of all. */
export const listCredits = (
  { db }: Pick<Ledger, 'db'>,
  budget: string | null,
  limit: number,
): Promise<readonly LedgerCredit[]> =>
  asking(() =>
    db
      .select()
      .from(credits)
      .where(
        budget === null
          ? undefined
          : or(eq(credits.budget, budget), like(credits.budget, `${escapeLike(budget)}/%`)),
      )
      .orderBy(desc(credits.grantedAtMs), credits.id)
      .limit(limit),
  )

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&')
