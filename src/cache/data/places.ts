import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'
import type { Namespace } from './namespaces.ts'
import { scopeOf } from './store.ts'

/** Where a value is kept. */
export interface Placed {
  readonly scope: string
  readonly key: string
}

const SHARED_WALL = 'shared'
const NOBODY = '-'

/** A namespace behind a tenant's wall. */
export const tenantScope = (tenant: string, namespace: string): string =>
  scopeOf(digest(tenant), namespace)

/** The same, where it is not shared; a shared one has one wall for all. */
export const scopeFor = ({ name, shared }: Namespace, tenant: string): string =>
  shared ? scopeOf(SHARED_WALL, name) : tenantScope(tenant, name)

/** A user's own data stands behind the user's name. */
export const keyFor = (key: string, user: string | undefined): string =>
  `${user === undefined ? NOBODY : digest(user)}/${key}`

/** A pattern over an owner's keys alone. */
export const patternFor = (pattern: string, user: string | undefined): string =>
  `${keyFor('', user).replace(/[\\*?[\]^]/g, '\\$&')}${pattern}`

/** What is some user's own: no digest begins like nobody's keys. */
export const OF_USERS = `[^${NOBODY}]*`

/** All that is a user's own is found by it, beside the tags of the application. */
export const userTag = (user: string): string => `user/${digest(user)}`
export const ownTag = (tag: string): string => `tag/${tag}`

/** 16 hex digits: names of people and tenants stay out of keys. */
const digest = (name: string): string => hash('sha256', canonicalJson(name)).slice(0, 16)
