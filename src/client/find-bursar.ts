import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Options } from '../config/options.ts'
import { lookAtFolder } from '../embedded/folder-lock.ts'
import type { Holder } from '../embedded/holder.ts'
import { BursarError } from '../errors.ts'
import { createHttpLink } from './http/link.ts'
import { transportTo } from './http/transport-to.ts'

/** Where Bursar is, as seen from this process. */
export type Whereabouts =
  /** A process answers: at BURSAR_URL, or on the socket of the data folder that it holds. */
  | { readonly at: 'gateway'; readonly url: string }
  /** In Redis and PostgreSQL, which this process reaches itself. */
  | { readonly at: 'stores' }
  /** In a data folder that nobody has open. */
  | { readonly at: 'folder'; readonly folder: string }
  | { readonly at: 'nowhere'; readonly folder: string }

type FindOptions = Pick<Options, 'BURSAR_URL' | 'REDIS_URL' | 'DATABASE_URL' | 'BURSAR_DATA'>

/** A process that starts needs a few seconds; one that ends, as long as the calls under way. */
const PATIENCE_MS = 10_000
const PROBE_MS = 2_000
const PAUSE_MS = 50

/**
 * Finds Bursar: BURSAR_URL, else REDIS_URL and DATABASE_URL, else the data folder.
 * @param patienceMs - how long a process that holds the folder may take to answer.
 * @throws {BursarError} DATA_FOLDER_IN_USE, retryable, when it does not.
 */
export async function findBursar(
  options: FindOptions,
  patienceMs = PATIENCE_MS,
): Promise<Whereabouts> {
  const { BURSAR_URL: url, REDIS_URL, DATABASE_URL, BURSAR_DATA: folder } = options
  if (url) return { at: 'gateway', url }
  // One of them alone is a mistake, which whoever misses the other names.
  if (REDIS_URL || DATABASE_URL) return { at: 'stores' }
  return findInFolder(resolve(folder), patienceMs)
}

/** The same for one data folder. */
export async function findInFolder(
  folder: string,
  patienceMs = PATIENCE_MS,
): Promise<Exclude<Whereabouts, { at: 'stores' }>> {
  const endsAtMs = Date.now() + patienceMs
  for (;;) {
    const seen = lookAtFolder(folder)
    if (seen.state === 'free') return { at: 'folder', folder }
    if (seen.state === 'missing') return { at: 'nowhere', folder }
    const { socket } = seen.holder
    const leftMs = endsAtMs - Date.now()
    if (socket !== null) {
      const url = `unix:${pathToFileURL(socket).pathname}`
      if (await answers(url, Math.max(PAUSE_MS, Math.min(PROBE_MS, leftMs)))) {
        return { at: 'gateway', url }
      }
    }
    if (leftMs <= 0) throw silent(folder, seen.holder, patienceMs)
    await new Promise((go) => setTimeout(go, PAUSE_MS))
  }
}

async function answers(url: string, limitMs: number): Promise<boolean> {
  const link = createHttpLink(transportTo(url), url, undefined)
  try {
    return (await link.ask({ method: 'GET', path: '/health', limitMs })).ok
  } finally {
    link.close()
  }
}

function silent(folder: string, { pid, host, since }: Holder, patienceMs: number): BursarError {
  return new BursarError(
    'DATA_FOLDER_IN_USE',
    `process ${pid} on ${host} has had the data folder ${folder} open since ${since}, and has not answered for ${patienceMs / 1_000} s: it starts, ends or hangs; try again, or stop it (kill ${pid})`,
    { retryable: true, detail: { folder, pid, host, since } },
  )
}
