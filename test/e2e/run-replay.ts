import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { childEnv } from '../helpers/child-env.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAM = join(ROOT, 'dist/src/cli/main.js')

const count = z.int().min(0)

/** The object of `--json`: these keys, in this order, and no other. */
const Summary = z.strictObject({
  requests: count,
  answered: count,
  cached: count,
  joined: count,
  parked: count,
  refused: count,
  expired: count,
  cancelled: count,
  failed: count,
  spentNano: count,
  heldNano: count,
  ledgerNano: count,
  billedNano: count,
  overspendNano: count,
  overrunNano: count,
  unconfirmed: count,
  seconds: z.number().positive(),
})
type Summary = z.infer<typeof Summary>

/** None = the replay runs embedded. */
export interface Servers {
  readonly REDIS_URL?: string
  readonly DATABASE_URL?: string
}

/** A finished replay. */
export interface Replayed {
  readonly code: number | null
  /** null when there was no object on the last line. */
  readonly summary: Summary | null
  readonly stdout: string
  readonly stderr: string
  /** Where `--keep` left the bill, and its database; '' without them. */
  readonly folder: string
  readonly database: string
}

/** Starts the built `bursar replay` as a process of its own, with nothing of Bursar's around it but the servers. */
export function startReplay(words: readonly string[], servers: Servers) {
  const { HOME = '' } = process.env
  return spawn(process.execPath, [PROGRAM, 'replay', ...words], {
    cwd: ROOT,
    env: { ...childEnv(), HOME, ...servers },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export async function untilReplayed(child: ReturnType<typeof startReplay>): Promise<Replayed> {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const [code]: (number | null)[] = await once(child, 'close')
  return {
    code: code ?? null,
    ...texts,
    ...keptBy(texts.stderr),
    summary: readSummary(texts.stdout),
  }
}

/** Runs `bursar replay` to its end. */
export const runReplay = (words: readonly string[], servers: Servers): Promise<Replayed> =>
  untilReplayed(startReplay(words, servers))

function readSummary(stdout: string): Summary | null {
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) return null
  const summary = Summary.parse(JSON.parse(last))
  if (Object.keys(summary).join() !== Object.keys(JSON.parse(last)).join()) {
    throw new Error(`the keys of the summary are in another order: ${last}`)
  }
  return summary
}

function keptBy(stderr: string) {
  const [, database = ''] = /^kept: .*database (\w+),/m.exec(stderr) ?? []
  const [, folder = ''] = /^kept: .*folder (.+)$/m.exec(stderr) ?? []
  return { database, folder }
}

/** Requests that have exactly one outcome. */
export const outcomesOf = (summary: Summary): number =>
  summary.answered +
  summary.cached +
  summary.joined +
  summary.parked +
  summary.refused +
  summary.expired +
  summary.cancelled +
  summary.failed

/** What the bill adds up to by a script that shares no code with Bursar, nano-USD. */
export async function addUpBill(folder: string): Promise<number> {
  const words = [join(ROOT, 'scripts/add-up-bill.mjs'), join(folder, 'bill.jsonl')]
  const { stdout } = await promisify(execFile)(process.execPath, words)
  return Number(stdout)
}
