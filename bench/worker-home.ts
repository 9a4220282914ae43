import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { migrate } from '../src/ledger/migrate.ts'
import { startPostgres, startRedis } from '../test/helpers/services/index.ts'
import { openFolder, startProvider } from './service.ts'

/** Private servers, the sandbox in a process of its own, and one worker process over them. */
export interface WorkerHome {
  readonly redisUrl: string
  /** What leads other processes there. */
  readonly env: NodeJS.ProcessEnv
  readonly worker: ChildProcess
  /** Ends the worker at once, and everything else. */
  stop(): Promise<void>
}

/** Another process of a bench, which talks over its channel. */
export const child = (
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

interface HomeOptions {
  readonly concurrency: number
  /** What a provider takes at least. */
  readonly latencyMs?: number
  /** Absent = the one of every bench. */
  readonly policy?: string
  /** Absent = the sandbox. */
  readonly provider?: () => Promise<{ url: string; stop(): Promise<void> }>
}

export async function startWorkerHome(
  { concurrency, latencyMs = 0, policy, provider: start }: HomeOptions,
  note: (text: string) => void,
): Promise<WorkerHome> {
  note('starting Redis, PostgreSQL, a provider and one worker process')
  const folder = await openFolder(undefined, policy)
  const redis = await startRedis({ appendfsync: 'everysec' })
  const postgres = await startPostgres()
  await migrate(postgres.url)
  const provider = await (start ?? (() => startProvider(latencyMs)))()
  const env = {
    ...{ REDIS_URL: redis.url, DATABASE_URL: postgres.url, LOG_LEVEL: 'error' },
    ...{ BURSAR_POLICY: join(folder.path, 'bursar.yaml'), BENCH_SANDBOX: provider.url },
    WORKER_CONCURRENCY: String(concurrency),
  }
  const worker = child('governed-worker.js', [], env)
  await once(worker, 'message')
  return {
    redisUrl: redis.url,
    env,
    worker,
    async stop() {
      worker.kill('SIGKILL')
      await Promise.all([provider.stop(), redis.stop(), postgres.stop(), folder.remove()])
    },
  }
}
