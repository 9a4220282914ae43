import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'

/** Who holds a data folder. */
export const HolderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  since: z.iso.datetime(),
  /** Differs between two processes that were given the same number, null where the system does not tell. */
  started: z.string().nullable(),
  /** Tells apart what one process held at different times. */
  token: z.string(),
  /** Where it answers this machine's operators, null until it does. */
  socket: z.string().nullable().default(null),
  /** Where it answers over HTTP, null while it does not. */
  url: z.string().nullable().default(null),
})
export type Holder = z.infer<typeof HolderSchema>

/** @returns this process, as a holder from now on. */
export const thisProcess = (token: string): Holder => ({
  pid: process.pid,
  host: hostname(),
  since: new Date().toISOString(),
  started: startOf(process.pid),
  token,
  socket: null,
  url: null,
})

/**
 * @param mine - tokens that this process holds.
 * @returns false when the holder is certainly gone. One on another host cannot be seen from here and counts as alive.
 */
export function isAlive(holder: Holder, mine: ReadonlySet<string>): boolean {
  if (holder.host !== hostname()) return true
  if (holder.pid === process.pid) return mine.has(holder.token)
  if (!isRunning(holder.pid)) return false
  return holder.started === null || holder.started === startOf(holder.pid)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is a process.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const DEAD = new Set(['Z', 'X'])
const STATE = 0
const START_TIME = 19

/**
 * Start of a process in this start of the machine.
 * @see proc_pid_stat(5): state is field 3, starttime field 22; the name in field 2 may hold anything but the last ')'.
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const start = fields[START_TIME]
    if (start === undefined || DEAD.has(fields[STATE] ?? '')) return null
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${start}`
  } catch {
    return null
  }
}
