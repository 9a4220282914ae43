import type { Redis } from 'ioredis'
import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import type { AdoptCommand, AdoptReply } from '../adopt-command.ts'
import { slotKeys } from '../keys.ts'
import { adoptAll } from './adopt.ts'
import { askNow } from './ask.ts'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'

const closeScript = loadScript(new URL('./close.lua', import.meta.url))
const reopenScript = loadScript(new URL('./reopen.lua', import.meta.url))
const wipeScript = loadScript(new URL('./wipe.lua', import.meta.url))

const Close = z.tuple([z.enum(['open', 'closed', 'missing'])])
const Reopen = z.tuple([z.enum(['claimed', 'open', 'taken', 'foreign'])])
const Wipe = z.tuple([z.enum(['wiped', 'not-claimed'])])

/** `open 7 1761-0 1761-0 <run>` (lib/slot.lua); epoch 0: somebody has begun to reopen a slot that was missing. */
const SlotText = z
  .string()
  .regex(/^(open|closed) \d+ \S+ \S+ \S*$/)
  .transform((text) => {
    const [state, epoch, acked = '0', trimmed = '0', run = ''] = text.split(' ')
    return {
      state: z.enum(['open', 'closed']).parse(state),
      epoch: Number(epoch),
      acked,
      trimmed,
      run,
    }
  })
const Text = z.string().nullable()
const Texts = z.tuple([Text, Text, Text])
/** `<ms> <reason>` */
const LostText = z
  .string()
  .regex(/^\d+ /)
  .transform((text) => ({
    sinceMs: Number.parseInt(text, 10),
    reason: text.slice(text.indexOf(' ') + 1),
  }))

/** Why a slot is closed, and since when by its server's clock. */
export type LostSlot = z.infer<typeof LostText>

/** A slot as it stands, open or not. */
export type SlotLook =
  | { readonly state: 'missing' }
  | ({
      readonly lost: LostSlot | null
      /** Whether somebody is at reopening it. */
      readonly claimed: boolean
    } & Readonly<z.infer<typeof SlotText>>)

export interface LivesOptions {
  readonly redis: Redis
  readonly prefix: string
  /** Milliseconds; absent = the server's own TIME. */
  readonly clock?: () => number
}

/** Looks at a slot without believing in any life of it. @throws {BursarError} STORE_UNAVAILABLE, UNREADABLE_REPLY. */
export async function lookAtSlot({ redis, prefix }: LivesOptions): Promise<SlotLook> {
  const { slot, lost, reopen } = slotKeys(prefix)
  const [text, why, claim] = Texts.parse(await askNow(redis, 'mget', [slot, lost, reopen]))
  if (text === null) return { state: 'missing' }
  const parsed = SlotText.safeParse(text)
  if (!parsed.success) throw unreadable(slot)
  return { ...parsed.data, lost: why ? LostText.parse(why) : null, claimed: Boolean(claim) }
}

export interface Verdict {
  /** The run id in the slot when it was looked at, and the server's own. */
  readonly seen: string
  readonly run: string
  /** null = the server has all that was written; else why that is in doubt. */
  readonly doubt: string | null
}

/** Keeps the slot open on the server that it is on now, or closes it. The first verdict counts. */
export async function judgeSlot(
  options: LivesOptions,
  { seen, run, doubt }: Verdict,
): Promise<'open' | 'closed' | 'missing'> {
  const caller = callerOf(options, 0)
  const words = begin(caller).text(seen).text(run)
  const raw = await callScript(caller, closeScript, words.flag(doubt === null).text(doubt ?? ''))
  return readReply(closeScript, Close, raw)[0]
}

/** What the process that reopens a slot may do to it, under a token that nobody else has. */
export interface Reopener {
  /** Takes the right, or keeps it. It runs out after 15 s without another step. */
  take(): Promise<'claimed' | 'open' | 'taken' | 'foreign'>
  /** The slot is of this life from now on, and still closed. @throws {BursarError} SLOT_CLOSED when the right is gone. */
  begin(epoch: number): Promise<void>
  /** Removes keys of the life before. Throws like `begin`, here and below. */
  wipe(epoch: number, keys: readonly string[]): Promise<void>
  adopt(epoch: number, commands: readonly AdoptCommand[]): Promise<readonly AdoptReply[]>
}

export function createReopener(options: LivesOptions, token: string, reason: string): Reopener {
  const { slot } = slotKeys(options.prefix)
  const take = async (epoch: number) => {
    const caller = callerOf(options, epoch)
    const words = begin(caller)
      .text(token)
      .text(await runIdOf(options.redis))
      .text(reason)
    return readReply(reopenScript, Reopen, await callScript(caller, reopenScript, words))[0]
  }
  return {
    take: () => take(0),
    async begin(epoch) {
      if ((await take(epoch)) !== 'claimed') throw gone(slot)
    },
    async wipe(epoch, keys) {
      const caller = callerOf(options, epoch)
      const raw = await callScript(
        caller,
        wipeScript,
        begin(caller).text(token),
        keys.map((key) => Buffer.from(key)),
      )
      if (readReply(wipeScript, Wipe, raw)[0] !== 'wiped') throw gone(slot)
    },
    async adopt(epoch, commands) {
      const replies = await adoptAll(callerOf(options, epoch), commands, token)
      if (replies === null) throw gone(slot)
      return replies
    },
  }
}

const RUN_ID = /run_id:(\w+)/

/** @returns the id that a server draws at each start, '' when it hides it. */
export const runIdOf = async (redis: Redis): Promise<string> =>
  RUN_ID.exec(z.string().parse(await askNow(redis, 'info', ['server'])))?.[1] ?? ''

const callerOf = ({ redis, prefix, clock }: LivesOptions, epoch: number): SlotCaller => ({
  redis,
  keys: slotKeys(prefix),
  epoch: () => epoch,
  nowMs: () => clock?.() ?? 0,
})

const gone = (slot: string): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    `the slot ${slot} was taken away while it was reopened: Redis lost its data again, or another process reopens it`,
    { retryable: true },
  )

const unreadable = (slot: string): BursarError =>
  new BursarError(
    'UNREADABLE_REPLY',
    `the key ${slot} is none of ours: BURSAR_PREFIX must name keys that nobody else uses`,
  )
