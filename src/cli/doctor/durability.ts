import { constants, existsSync, readdirSync } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Options } from '../../config/options.ts'
import type { Policy } from '../../config/policy-types.ts'
import { lookAtFolder } from '../../embedded/folder-lock.ts'
import { callsRoot } from '../../slot/intents/root.ts'
import { type Finding, ok, warn, wrong } from './finding.ts'

/** Where the journal of calls would be, as far as it can be told from here. */
export interface JournalPlace {
  readonly folder: string
  readonly isWritable: boolean
  /** Why it may be gone with the process; null = it outlives it. */
  readonly passing: string | null
  /** Folders of processes on machines that nobody can look at from here. */
  readonly elsewhere: readonly string[]
}

/** @see statfs(2): f_type */
const PASSING: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'is in memory (tmpfs)'],
  [0x858458f6, 'is in memory (ramfs)'],
  [0x794c7630, 'is in the layer of a container (overlayfs), which goes with it'],
])

/** Which durability is in force, and whether it can keep what it promises. */
export async function examineDurability(policy: Policy, options: Options): Promise<Finding> {
  return judgeDurability(policy, await placeOf(callsRoot(options.BURSAR_DATA)))
}

/** Judges what was found; Redis's own part is judged by the check `redis durability`. */
export function judgeDurability(
  { defaults }: Pick<Policy, 'defaults'>,
  { folder, isWritable, passing, elsewhere }: JournalPlace,
): Finding {
  if (defaults.durability !== 'journal') {
    return ok('durability', 'redis: what a call costs is known to Redis and its process')
  }
  const check = 'durability'
  if (!isWritable) {
    const mend = 'set BURSAR_DATA to a folder that workers may write, or say durability: redis'
    return wrong(check, `journal, and ${folder} cannot be written`, mend)
  }
  if (passing !== null) {
    const mend = 'set BURSAR_DATA to a folder on a disk or volume that outlives the process'
    return warn(check, `journal, but ${folder} ${passing}`, mend)
  }
  if (elsewhere.length > 0) {
    const mend =
      'give containers a fixed hostname; where that machine is gone, delete the lock and start a worker here'
    return warn(check, `journal, with calls left by ${elsewhere.join(', ')}`, mend)
  }
  return ok(check, `journal: each call is in ${folder} before it is sent`)
}

async function placeOf(root: string): Promise<JournalPlace> {
  const folder = resolve(root)
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  const { type } = await statfs(existing)
  const isWritable = await access(existing, constants.W_OK).then(
    () => true,
    () => false,
  )
  const passing = PASSING.get(type) ?? null
  return { folder, isWritable, passing, elsewhere: isWritable ? leftElsewhere(folder) : [] }
}

function leftElsewhere(root: string): string[] {
  if (!existsSync(root)) return []
  return readdirSync(root).flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const found = lookAtFolder(join(root, name))
    if (found.state !== 'held' || found.holder.host === hostname()) return []
    return [`${found.holder.host} (${join(root, name)})`]
  })
}
