import { BursarError } from '../errors.ts'
import { type ApiKey, keyState, type StoredKey, withoutSecrets } from './api-key.ts'
import { unknownKey } from './errors.ts'
import type { KeyStore } from './key-store.ts'
import { hashKey, newKeyId, newKeyText } from './key-text.ts'

/** What whoever makes a key decides. */
export type NewKey = Pick<
  ApiKey,
  'name' | 'role' | 'tenant' | 'user' | 'tier' | 'models' | 'budgets' | 'expiresAtMs' | 'createdBy'
>

/** A key and its secret, which nobody can be told again. */
export interface IssuedKey {
  readonly key: ApiKey
  readonly text: string
}

/** @throws {BursarError} LEDGER_UNAVAILABLE, here and below. */
export async function createKey(
  store: KeyStore,
  wanted: NewKey,
  nowMs: number,
): Promise<IssuedKey> {
  const id = newKeyId()
  const text = newKeyText(id)
  const key: StoredKey = {
    ...wanted,
    id,
    createdAtMs: nowMs,
    rotatedAtMs: null,
    formerUntilMs: null,
    revokedAtMs: null,
    lastUsedAtMs: null,
    secretHash: hashKey(text),
    formerHash: null,
  }
  await store.insert(key)
  return { key: withoutSecrets(key), text }
}

/**
 * Gives a key a new secret. The one before goes on opening for `graceMs`; one still older ends at once.
 * @throws {BursarError} UNKNOWN_KEY; INVALID_ARGUMENT when the key is over.
 */
export async function rotateKey(
  store: KeyStore,
  id: string,
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): Promise<IssuedKey> {
  const before = await store.find(id)
  if (before === null) throw unknownKey(id)
  if (keyState(before, nowMs) !== 'active') throw over(before, nowMs)
  const text = newKeyText(id)
  const after = await store.rotate(id, hashKey(text), nowMs, nowMs + graceMs)
  // Revoked between the two looks.
  if (after === null) throw over({ ...before, revokedAtMs: nowMs }, nowMs)
  return { key: withoutSecrets(after), text }
}

/** Ends a key, its former secret too, for good. A second time changes nothing. @throws {BursarError} UNKNOWN_KEY. */
export async function revokeKey(store: KeyStore, id: string, nowMs: number): Promise<ApiKey> {
  const revoked = await store.revoke(id, nowMs)
  if (revoked === null) throw unknownKey(id)
  return withoutSecrets(revoked)
}

/** Newest first. @param tenant - null = of everybody. */
export async function listKeys(store: KeyStore, tenant: string | null): Promise<ApiKey[]> {
  return (await store.list(tenant)).map(withoutSecrets)
}

const over = (key: ApiKey, nowMs: number): BursarError =>
  new BursarError('INVALID_ARGUMENT', `key ${key.id} is ${keyState(key, nowMs)}: create another`, {
    detail: { id: key.id },
  })
