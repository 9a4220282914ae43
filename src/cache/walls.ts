import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { CACHE_SHARES, type CacheShare } from '../config/cache-types.ts'
import { canonicalJson } from './canonical-json.ts'

/** Who asks. */
export interface Asker {
  readonly tenant: string
  readonly user: string
}

/** What keeps answers apart, whatever was asked. (law 9) */
export interface Wall {
  /** Keys begin with it: `shared`, `<tenant hash>`, or `<tenant hash>.<user hash>`; 16 hex digits each. */
  readonly name: string
  /** Whose it is, in full: 16 digits are enough to find by, and too few to keep strangers apart. */
  readonly of: string
}

/** What a key says of an answer; the rest is a hash. */
export type KeyParts = { readonly hash: string } & (
  | { readonly share: 'shared' }
  /** `tenant` and `user` as `tenantHash` and `userHash` write them. */
  | { readonly share: 'tenant'; readonly tenant: string }
  | { readonly share: 'user'; readonly tenant: string; readonly user: string }
)

/** The wall of an answer that may be shared so far. */
export function wallOf(share: CacheShare, { tenant, user }: Asker): Wall {
  switch (share) {
    case 'shared':
      return EVERYBODY
    case 'tenant':
      return tenantWall(tenant)
    case 'user':
      return {
        name: `${tenantHash(tenant)}.${userHash(tenant, user)}`,
        of: canonicalJson({ tenant, user }),
      }
  }
}

// No tenant is called so: the others name somebody.
const EVERYBODY: Wall = { name: 'shared', of: '{}' }

/** @returns 16 hex digits, the same in every process: keys of the tenant begin with them. */
export const tenantHash = (tenant: string): string => tenantWall(tenant).name

/** @returns 16 hex digits; a user of the same name in another tenant has others. */
export const userHash = (tenant: string, user: string): string =>
  shortHash(canonicalJson({ tenant, user }))

/** The narrower of two. */
export const narrower = (one: CacheShare, other: CacheShare): CacheShare =>
  CACHE_SHARES.indexOf(one) < CACHE_SHARES.indexOf(other) ? one : other

export const writeKey = ({ name }: Wall, requestHash: string): string => `${name}:${requestHash}`

const KEY = /^(?:shared|([0-9a-f]{16})(?:\.([0-9a-f]{16}))?):([0-9a-f]{64})$/

/** Reads the key of an answer. @returns null when it is none. */
export function readKey(key: string): KeyParts | null {
  const [, tenant, user, found] = KEY.exec(key) ?? []
  if (found === undefined) return null
  if (tenant === undefined) return { share: 'shared', hash: found }
  if (user === undefined) return { share: 'tenant', tenant, hash: found }
  return { share: 'user', tenant, user, hash: found }
}

/** Tenants come again and again. */
const tenants = new LRUCache<string, Wall>({ max: 1_000 })

function tenantWall(tenant: string): Wall {
  const known = tenants.get(tenant)
  if (known) return known
  // As JSON, halves of characters stay what they are; as UTF-8 they would all be one replacement character.
  const of = canonicalJson({ tenant })
  const wall = { name: shortHash(of), of }
  tenants.set(tenant, wall)
  return wall
}

const shortHash = (text: string): string => hash('sha256', text, 'hex').slice(0, 16)
