import type { SettleCommand } from '../../admission/commands.ts'
import type { Hold } from '../../admission/hold.ts'
import { KEEP_MS } from '../../admission/model/state.ts'
import { BursarError, isBursarError, messageOf } from '../../errors.ts'
import { type JournalFile, openJournalFile } from '../../outage/journal/file.ts'
import { claimFolder, claimLeft, type JournalFolder } from '../../outage/journal/folders.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { heldAttempt } from '../book.ts'
import { type CallRecord, CallRecordSchema, type Intent, IntentBook } from './records.ts'

/** A call that is about to be sent. */
export interface Begun {
  readonly hold: Hold
  /** AttemptMeta as JSON. */
  readonly meta: string
  /** The life of the slot that this process believes in. */
  readonly epoch: number
  /** Whether policy says `durability: journal`. */
  readonly isWanted: boolean
}

/** Calls of this process on its own disk, and what dead processes left there: what it owes, Redis or not. */
export interface Intents {
  /**
   * Keeps a journal from the start, so that it has all that this process will owe.
   * @throws {BursarError} INVALID_OPTIONS when the folder cannot be written.
   */
  open(): Promise<void>
  /**
   * Resolves once it is on disk that this call may be sent.
   * @returns undefined when nothing is to be waited for.
   * @throws {BursarError} STORE_UNAVAILABLE, retryable: it must not be sent.
   */
  begin(call: Begun): Promise<void> | undefined
  /** Resolves once the outcome of a call is on disk, or the log says why not. */
  known(command: SettleCommand): Promise<void> | undefined
  /** Nothing is owed for it any more. */
  gone(attempt: string): void
  /** Takes over what processes left on this disk that have died since. What went wrong is in the log. */
  takeLeft(): Promise<void>
  /** What was taken over and is not known to be in the ledger. */
  left(): readonly Intent[]
  /** Ids of what was taken over and granted in a life of the slot, as far as that still has records of it. */
  granted(epoch: number): readonly string[]
  /** Processes that died, and whose journals had all that they owed. */
  dead(): readonly string[]
  /** Nobody waits for the word of a dead process any more. */
  buried(process: string): void
  /** What is still owed stays for the next process on this disk. */
  close(): Promise<void>
}

export interface IntentParts {
  /** Of all journals of calls on this disk, one folder a process. */
  readonly root: string
  /** Its id in the ledger. */
  readonly process: string
  readonly logger: Pick<Logger, 'warn' | 'error'>
}

interface Own {
  readonly file: JournalFile<CallRecord>
  readonly folder: JournalFolder
}

/** What another machine's clock may differ. */
const SLACK_MS = 3_600_000
/** Some 8,000 calls: written anew in less than the time of a few syncs. */
const COMPACT_ABOVE_BYTES = 8 * 1_024 * 1_024

export function createIntents({ root, process, logger }: IntentParts): Intents {
  const book = new IntentBook()
  const inherited = new Set<string>()
  const dead = new Set<string>()
  /** Damaged, or not yet taken over whole: nobody else may have them as long as this process lives. */
  const locked: JournalFolder[] = []
  let own: Own | null = null
  let opening: Promise<Own> | null = null
  let taking: Promise<void> = Promise.resolve()
  let compacting: Promise<void> | null = null

  async function read(folder: JournalFolder): Promise<JournalFile<CallRecord> | null> {
    try {
      return await openJournalFile(folder.path, CallRecordSchema)
    } catch (error) {
      if (!isBursarError(error, 'DATA_FOLDER_UNREADABLE')) {
        folder.lock.release()
        throw error
      }
      locked.push(folder)
      logger.error({ path: folder.path, reason: messageOf(error) }, 'a journal cannot be read')
      return null
    }
  }

  async function openFirst(): Promise<Own> {
    for (;;) {
      const folder = claimFolder(root)
      const file = await read(folder)
      if (file === null) continue
      inherit(file.found, folder.path)
      own = { file, folder }
      return own
    }
  }
  function ready(): Promise<Own> {
    opening ??= openFirst().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  function inherit(records: readonly CallRecord[], path: string): readonly CallRecord[] {
    const left = new IntentBook(records)
    if (left.process !== '') dead.add(left.process)
    const taken = left.intents().map((intent) => ({ is: 'intent', ...intent }) as const)
    for (const record of taken) {
      book.enter(record)
      inherited.add(record.owed.attempt)
    }
    const calls = taken.length
    if (calls > 0) logger.warn({ path, calls }, 'took over what a dead process had written down')
    return taken
  }

  async function takeOver(folder: JournalFolder): Promise<void> {
    const file = await read(folder)
    if (file === null) return
    locked.push(folder)
    // First in memory: whatever the disk says now, it is owed.
    const taken = inherit(file.found, folder.path)
    const { file: mine } = await ready()
    await Promise.all(taken.map((record) => mine.append(record)))
    // It is in two journals for a moment, which changes nothing: whoever adopts asks the ledger first.
    await file.rewrite([])
    await file.close()
    locked.splice(locked.indexOf(folder), 1)
    folder.lock.release()
  }

  async function takeAll(): Promise<void> {
    const tell = (error: unknown) =>
      logger.error({ root, reason: messageOf(error) }, 'what was left was not taken over whole')
    try {
      for (const folder of claimLeft(root)) await takeOver(folder).catch(tell)
    } catch (error) {
      tell(error)
    }
  }

  async function write(record: CallRecord): Promise<void> {
    const { file } = own ?? (await ready())
    book.enter(record)
    await file.append(record)
  }

  const writeOrTell = (record: CallRecord): Promise<void> =>
    write(record).catch((error: unknown) => {
      logger.error({ is: record.is, reason: messageOf(error) }, 'a journal was not written')
    })

  async function begin({ hold, meta, epoch }: Begun): Promise<void> {
    const owed = heldAttempt(hold, meta)
    try {
      await write({ is: 'intent', epoch, owed })
    } catch (error) {
      gone(owed.attempt)
      throw isBursarError(error, 'STORE_UNAVAILABLE') ? error : away(error)
    }
  }

  function gone(attempt: string): void {
    const intent = book.find(attempt)
    if (!intent) return
    const record = { is: 'gone', attempt } as const
    book.enter(record)
    inherited.delete(attempt)
    if (own === null) return
    // Of what was never sent the ledger hears nothing: a successor would have it booked whole.
    if (intent.owed.as === 'held') own.file.append(record).catch(() => {})
    else own.file.note(record)
    compact(own.file)
  }

  function compact(file: JournalFile<CallRecord>): void {
    if (compacting !== null || file.size < COMPACT_ABOVE_BYTES) return
    compacting = file
      .rewrite(book.records())
      .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, 'not compacted'))
      .finally(() => {
        compacting = null
      })
  }

  const left = (): readonly Intent[] =>
    inherited.size === 0
      ? []
      : book.intents().filter(({ owed: { attempt } }) => inherited.has(attempt))

  return {
    async open() {
      try {
        await ready()
        await write({ is: 'process', id: process })
      } catch (error) {
        throw unwritable(root, error)
      }
    },
    begin(call) {
      if (call.isWanted) return begin(call)
      // From here on it owes more than is written there.
      return book.process === '' ? undefined : writeOrTell({ is: 'process', id: '' })
    },
    known({ attempt, kind, costNano, detail }) {
      if (!book.find(attempt)) return undefined
      return writeOrTell({ is: 'known', attempt, as: kind, costNano, detail })
    },
    gone,
    takeLeft() {
      taking = taking.then(takeAll)
      return taking
    },
    left,
    granted(epoch) {
      const sinceMs = Date.now() - KEEP_MS + SLACK_MS
      return left().flatMap(({ epoch: of, owed: { attempt, atMs } }) =>
        of === epoch && atMs > sinceMs ? [attempt] : [],
      )
    },
    dead: () => [...dead],
    buried: (id) => void dead.delete(id),
    async close() {
      await taking
      const closing = own
      own = null
      if (closing) {
        const keeps = book.size === 0 ? [] : book.records()
        await closing.file.rewrite(keeps).catch(() => {})
        await closing.file.close()
      }
      for (const { lock } of [...locked, ...(closing ? [closing.folder] : [])]) lock.release()
    },
  }
}

const away = (cause: unknown): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `no journal can be kept (${messageOf(cause)}), and defaults.durability: journal calls nothing without it: make BURSAR_DATA writable`,
    { cause, retryable: true, detail: { retryAfterMs: 1_000 } },
  )

const unwritable = (root: string, cause: unknown): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    `no journal can be kept in ${root} (${messageOf(cause)}), and the policy says durability: journal: set BURSAR_DATA to a folder that this process may write, on a disk that outlives it, or say durability: redis`,
    { cause, detail: { name: 'BURSAR_DATA' } },
  )
