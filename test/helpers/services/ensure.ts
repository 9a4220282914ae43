import { findPostgres, findRedis, hasDocker } from './find.ts'
import { canInstall, install } from './install.ts'
import { say } from './say.ts'

/** Where a server program comes from. */
export type Runtime =
  /** `path`: redis-server itself, or the folder of initdb and postgres ('' = on PATH). */
  | { readonly from: 'binary'; readonly path: string }
  | { readonly from: 'docker'; readonly image: string }

export interface Services {
  readonly redis: Runtime
  readonly postgres: Runtime
}

const DOCKER = { redis: 'redis:7', postgres: 'postgres:16' } as const
const PACKAGES = { redis: 'redis-server', postgres: 'postgresql' } as const

let found: Promise<Services> | undefined

/**
 * Finds Redis 7+ and PostgreSQL 14+, installs them, or falls back to docker. Once per process.
 * @throws naming the one command to run when none of these is possible.
 */
export function ensureServices(): Promise<Services> {
  found ??= look()
  return found
}

async function look(): Promise<Services> {
  const before = await search()
  const missing = missingIn(before)
  if (missing.length === 0) return complete(before)
  if (canInstall()) {
    await install(missing.map((name) => PACKAGES[name]))
    const after = await search()
    return complete(after)
  }
  return complete(before)
}

type Found = { readonly redis: string | undefined; readonly postgres: string | undefined }
type Name = keyof Found

async function search(): Promise<Found> {
  const [redis, postgres] = await Promise.all([findRedis(), findPostgres()])
  return { redis, postgres }
}

const missingIn = (have: Found): readonly Name[] =>
  (['redis', 'postgres'] as const).filter((name) => have[name] === undefined)

async function complete(have: Found): Promise<Services> {
  const missing = missingIn(have)
  if (missing.length > 0) {
    if (!(await hasDocker())) throw new Error(mend(missing))
    say(`${missing.join(' and ')} run in docker`)
  }
  return { redis: runtime(have, 'redis'), postgres: runtime(have, 'postgres') }
}

function runtime(have: Found, name: Name): Runtime {
  const path = have[name]
  return path === undefined ? { from: 'docker', image: DOCKER[name] } : { from: 'binary', path }
}

function mend(missing: readonly Name[]): string {
  const command =
    process.platform === 'darwin'
      ? 'brew install redis postgresql@16'
      : 'sudo apt-get update && sudo apt-get install -y redis-server postgresql'
  return (
    `the tests need Redis 7+ and PostgreSQL 14+; not found: ${missing.join(', ')}, and no docker engine ` +
    `answers. Run: ${command}\n(tests that need neither: npm run test:unit)`
  )
}
