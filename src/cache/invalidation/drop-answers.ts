import { tenantHash, wallOf } from '../walls.ts'
import type { AnswerShelf } from './answer-shelf.ts'
import { labelOf, USER } from './labels.ts'

/** Whose answers. A user is one of a tenant. */
export type Whose =
  | { readonly tenant?: undefined; readonly user?: undefined }
  | { readonly tenant: string; readonly user?: string | undefined }

/**
 * Drops answers: those that nobody but a user may see and those that are filed under the user, where one is named; all
 * behind the tenant's wall, where one is named; else all there are. @returns how many were there.
 */
export async function dropAnswers(shelf: AnswerShelf, { tenant, user }: Whose): Promise<number> {
  if (tenant === undefined) return dropMatching(shelf, '*')
  const wall = tenantHash(tenant)
  if (user === undefined) return dropMatching(shelf, `${wall}[.:]*`)
  const own = await dropMatching(shelf, `${wallOf('user', { tenant, user }).name}:*`)
  return own + (await shelf.dropFiled(wall, labelOf(USER, user)))
}

/** @param pattern - over the keys, walls first. */
export async function dropMatching(shelf: AnswerShelf, pattern: string): Promise<number> {
  let dropped = 0
  for await (const keys of shelf.keys(pattern)) dropped += await shelf.drop(keys)
  return dropped
}
