import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureServices } from './ensure.ts'
import { fromBinary } from './from-binary.ts'
import { fromDocker } from './from-docker.ts'
import { freePort, type Server } from './server.ts'

export interface RedisOptions {
  /** `always` is what production runs with. */
  readonly appendfsync?: 'always' | 'everysec' | 'no'
  /** Further settings, e.g. `['--maxmemory', '1mb']`; a later one wins over ours. */
  readonly args?: readonly string[]
}

const READY = /Ready to accept connections/

/** Starts a private redis-server on a free loopback port, as production runs it: every write is on disk. */
export async function startRedis(options: RedisOptions = {}): Promise<Server> {
  const { redis } = await ensureServices()
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  if (redis.from === 'docker') {
    const args = ['redis-server', ...settings(options)]
    return await fromDocker({
      url,
      image: redis.image,
      port: { host: port, inside: 6379 },
      args,
      ready: READY,
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'bursar-redis-'))
  return await fromBinary({
    url,
    folder,
    file: redis.path,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...settings(options)],
    ready: READY,
    signals: { shutdown: 'SIGTERM', crash: 'SIGKILL' },
  })
}

const settings = ({ appendfsync = 'always', args = [] }: RedisOptions): readonly string[] => [
  ...['--appendonly', 'yes', '--appendfsync', appendfsync],
  ...['--maxmemory-policy', 'noeviction', '--save', ''],
  ...args,
]
