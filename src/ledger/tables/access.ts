import { sql } from 'drizzle-orm'
import { check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { KEY_ROLES } from '../../access/roles.ts'
import { ms } from '../columns.ts'

/** Keys of the gateway, by hash: a secret is shown once and stands nowhere. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    role: text({ enum: KEY_ROLES }).notNull(),
    tenant: text(),
    user: text('user_id'),
    tier: text(),
    models: text().array(),
    /** Budgets in which each of its requests is counted; null = those that the policy says. */
    budgets: text().array(),
    /** SHA-256, hex. */
    secretHash: text('secret_hash').notNull(),
    /** Of the secret before the newest one, which opens until `former_until_ms`. */
    formerHash: text('former_hash'),
    formerUntilMs: ms('former_until_ms'),
    createdAtMs: ms('created_at_ms').notNull(),
    createdBy: text('created_by').notNull(),
    rotatedAtMs: ms('rotated_at_ms'),
    expiresAtMs: ms('expires_at_ms'),
    revokedAtMs: ms('revoked_at_ms'),
    lastUsedAtMs: ms('last_used_at_ms'),
  },
  (t) => [check('api_keys_spend_for_somebody', sql`${t.role} <> 'app' or ${t.tenant} is not null`)],
)

/** Every time that somebody gave a user a tier, or took it back: the newest of a user is in force. Append-only. */
export const userTiers = pgTable(
  'user_tiers',
  {
    /** Numbered from 1 without a gap. */
    version: integer().primaryKey(),
    tenant: text().notNull(),
    user: text('user_id').notNull(),
    /** null = none is set any more. */
    tier: text(),
    /** First instant at which it counts no more; null = until it is changed. */
    untilMs: ms('until_ms'),
    reason: text().notNull(),
    setBy: text('set_by').notNull(),
    setAtMs: ms('set_at_ms').notNull(),
    /** Id of the message that asked for it, where one did; absent = a person did. */
    event: text(),
  },
  (t) => [
    index('user_tiers_by_user').on(t.tenant, t.user, t.version),
    uniqueIndex('user_tiers_by_event').on(t.event),
  ],
)
