import type { KeyRole } from './roles.ts'

/** An API key without its secret. Times are UTC ms; null = never, or not set. */
export interface ApiKey {
  readonly id: string
  /** For people. */
  readonly name: string
  readonly role: KeyRole
  /** Whose money it spends; null for keys that run admin commands, which see every tenant. */
  readonly tenant: string | null
  /** null = each request says who. */
  readonly user: string | null
  /** null = each request may say, else the policy does. */
  readonly tier: string | null
  /** The only models that may answer; null = whatever the tier has. */
  readonly models: readonly string[] | null
  /** Budgets of the policy in which each of its requests is counted; null = whatever the request says. */
  readonly budgets: readonly string[] | null
  readonly createdAtMs: number
  readonly createdBy: string
  readonly rotatedAtMs: number | null
  /** Until when the secret before the newest one still opens. */
  readonly formerUntilMs: number | null
  readonly expiresAtMs: number | null
  readonly revokedAtMs: number | null
  /** Written at most once a minute. */
  readonly lastUsedAtMs: number | null
}

/** A key with the hashes of its secrets (`hashKey`). Never leaves `access/`. */
export interface StoredKey extends ApiKey {
  readonly secretHash: string
  readonly formerHash: string | null
}

/** Where a key stands; one that was revoked and has expired is revoked. */
export type KeyState = 'active' | 'expired' | 'revoked'

export function keyState({ revokedAtMs, expiresAtMs }: ApiKey, nowMs: number): KeyState {
  if (revokedAtMs !== null) return 'revoked'
  return expiresAtMs !== null && expiresAtMs <= nowMs ? 'expired' : 'active'
}

/** The key without its hashes. */
export function withoutSecrets({ secretHash: _, formerHash: __, ...key }: StoredKey): ApiKey {
  return key
}
