import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { ensureServices } from './ensure.ts'
import { output } from './find.ts'
import { fromBinary } from './from-binary.ts'
import { fromDocker } from './from-docker.ts'
import { freePort, type Server } from './server.ts'

const run = promisify(execFile)

export interface PostgresOptions {
  /** Off by default: the test data need not survive a power cut. Commits still survive `kill`. */
  readonly fsync?: boolean
  /** Further settings, e.g. `['-c', 'max_connections=20']`. */
  readonly args?: readonly string[]
}

const READY = /database system is ready to accept connections/
// The image prints the line a first time while it runs initdb.
const READY_IN_DOCKER =
  /PostgreSQL init process complete[\s\S]*ready to accept connections|Skipping initialization[\s\S]*ready to accept connections/

/** Starts a private PostgreSQL on a free loopback port; the url names its database `postgres`, user `postgres`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Server> {
  const { postgres } = await ensureServices()
  const port = await freePort()
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  if (postgres.from === 'docker') {
    const env = { POSTGRES_HOST_AUTH_METHOD: 'trust' }
    const args = ['postgres', ...settings(options)]
    const inside = { host: port, inside: 5432 }
    return await fromDocker({
      url,
      image: postgres.image,
      port: inside,
      env,
      args,
      ready: READY_IN_DOCKER,
    })
  }
  return await startBinary(postgres.path, url, port, options)
}

async function startBinary(
  bin: string,
  url: string,
  port: number,
  options: PostgresOptions,
): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-pg-'))
  const user = await unprivileged()
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  const init = [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-locale',
    '--no-sync',
  ]
  await run(join(bin, 'initdb'), init, { ...user, cwd: folder })
  const where = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1']
  return await fromBinary({
    url,
    folder,
    file: join(bin, 'postgres'),
    args: [...where, ...settings(options)],
    ready: READY,
    ...(user && { user }),
    signals: { shutdown: 'SIGINT', crash: 'SIGQUIT' },
    helpers: () => backends(url),
  })
}

const settings = ({ fsync = false, args = [] }: PostgresOptions): readonly string[] => [
  ...['-c', `fsync=${fsync ? 'on' : 'off'}`, '-c', 'max_connections=200'],
  ...args,
]

/** PostgreSQL refuses to run as root: then it runs as `postgres`, else as `nobody`. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([output('id', ['-u', name]), output('id', ['-g', name])])
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'PostgreSQL refuses to run as root and there is no user postgres or nobody: add one',
  )
}

/** Its children do not freeze with it: each leads a process group of its own. */
async function backends(url: string): Promise<readonly number[]> {
  const client = new Client(url)
  await client.connect()
  try {
    const { rows } = await client.query(
      'select pid from pg_stat_activity where pid <> pg_backend_pid()',
    )
    return rows.map((row: { pid: number }) => row.pid)
  } finally {
    await client.end()
  }
}
