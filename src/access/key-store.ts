import { and, desc, eq, isNull, lte, or, sql } from 'drizzle-orm'
import { asking, type Ledger } from '../ledger/ledger.ts'
import { apiKeys } from '../ledger/schema.ts'
import type { StoredKey } from './api-key.ts'

/** How often a key's last use is written at most, ms. */
export const TOUCH_EVERY_MS = 60_000

/** Keys in the database. Every method throws LEDGER_UNAVAILABLE and LEDGER_NOT_MIGRATED. */
export interface KeyStore {
  insert(key: StoredKey): Promise<void>
  /** @returns null when there is none. */
  find(id: string): Promise<StoredKey | null>
  /** Newest first. @param tenant - null = of everybody. */
  list(tenant: string | null): Promise<readonly StoredKey[]>
  /** Puts a new secret in force; the one before opens until `formerUntilMs`. @returns null when none is unrevoked. */
  rotate(
    id: string,
    secretHash: string,
    nowMs: number,
    formerUntilMs: number,
  ): Promise<StoredKey | null>
  /** A second time changes nothing. @returns null when there is none. */
  revoke(id: string, nowMs: number): Promise<StoredKey | null>
  /** Writes when the key was last used, unless somebody did within the last minute. */
  touch(id: string, nowMs: number): Promise<void>
}

export function createKeyStore({ db }: Pick<Ledger, 'db'>): KeyStore {
  const is = (id: string) => eq(apiKeys.id, id)
  return {
    async insert({ models, budgets, ...key }) {
      const lists = { models: models && [...models], budgets: budgets && [...budgets] }
      await asking(() => db.insert(apiKeys).values({ ...key, ...lists }))
    },
    async find(id) {
      const [row] = await asking(() => db.select().from(apiKeys).where(is(id)))
      return row ?? null
    },
    list: (tenant) =>
      asking(() =>
        db
          .select()
          .from(apiKeys)
          .where(tenant === null ? undefined : eq(apiKeys.tenant, tenant))
          .orderBy(desc(apiKeys.createdAtMs), apiKeys.id),
      ),
    async rotate(id, secretHash, nowMs, formerUntilMs) {
      const change = {
        secretHash,
        formerHash: sql`${apiKeys.secretHash}`,
        formerUntilMs,
        rotatedAtMs: nowMs,
      }
      const unrevoked = and(is(id), isNull(apiKeys.revokedAtMs))
      const [row] = await asking(() => db.update(apiKeys).set(change).where(unrevoked).returning())
      return row ?? null
    },
    async revoke(id, nowMs) {
      const revokedAtMs = sql`coalesce(${apiKeys.revokedAtMs}, ${nowMs})`
      const [row] = await asking(() =>
        db.update(apiKeys).set({ revokedAtMs }).where(is(id)).returning(),
      )
      return row ?? null
    },
    async touch(id, nowMs) {
      const due = or(
        isNull(apiKeys.lastUsedAtMs),
        lte(apiKeys.lastUsedAtMs, nowMs - TOUCH_EVERY_MS),
      )
      await asking(() =>
        db
          .update(apiKeys)
          .set({ lastUsedAtMs: nowMs })
          .where(and(is(id), due)),
      )
    },
  }
}
