/** What a key is for: `app` sends requests; the others run admin commands, each also those of the ones before it. */
export const KEY_ROLES = ['app', 'viewer', 'finance', 'admin'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

const ADMIN_ORDER: readonly KeyRole[] = ['viewer', 'finance', 'admin']

/** Whether a key of role `has` may do what needs the role `needed`. Money is spent by `app` alone. */
export function roleCovers(has: KeyRole, needed: KeyRole): boolean {
  if (needed === 'app' || has === 'app') return has === needed
  return ADMIN_ORDER.indexOf(has) >= ADMIN_ORDER.indexOf(needed)
}
