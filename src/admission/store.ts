import type { AdoptCommand, AdoptReply } from './adopt-command.ts'
import type * as c from './commands.ts'
import type { CreditCommand, CreditReply } from './credit-command.ts'
import type * as leases from './lease-commands.ts'
import type { Outbox } from './outbox.ts'
import type { LimitLine, LimitState } from './plan-lines.ts'
import type { RebuildCommand, RebuildReply } from './rebuild-command.ts'

/**
 * One slot of money: in process (`memory.ts`) or in Redis (`redis.ts`). Every command is one atomic step; replaying
 * one with the same arguments changes nothing and answers the same, unless its type says otherwise.
 * @throws {BursarError} STORE_UNAVAILABLE when the store cannot be reached in time; what happened is then unknown and
 * the caller may replay.
 */
export interface AdmissionStore {
  readonly outbox: Outbox
  /** Creates the slot when it is missing. Only with a ledger that has no postings, or by a reopen (PROTOCOL 3.10). */
  open(epoch: number): Promise<'opened' | 'already-open'>
  intake(command: c.IntakeCommand): Promise<c.IntakeReply>
  takeLimits(command: c.TakeLimitsCommand): Promise<c.TakeLimitsReply>
  admit(command: c.AdmitCommand): Promise<c.AdmitReply>
  release(command: c.ReleaseCommand): Promise<c.ReleaseReply>
  settle(command: c.SettleCommand): Promise<c.SettleReply>
  renew(command: c.RenewCommand): Promise<c.RenewReply>
  /** Books due holds whole as `unconfirmed`, at most `limit` of them. */
  expire(limit: number): Promise<c.ExpireReply>
  conclude(command: c.ConcludeCommand): Promise<c.ConcludeReply>
  cancel(job: string): Promise<c.CancelReply>
  /** Keeps the turns of a queue within what its priorities can say; `src/queue/fair-sweep.ts` does the rest. */
  keepTurns(command: c.KeepTurnsCommand): Promise<c.KeepTurnsReply>
  credit(command: CreditCommand): Promise<CreditReply>
  lease(command: leases.LeaseCommand): Promise<leases.LeaseReply>
  bookLease(command: leases.BookLeaseCommand): Promise<leases.BookLeaseReply>
  closeLease(command: leases.CloseLeaseCommand): Promise<leases.CloseLeaseReply>
  /** Makes the record of an attempt again that the slot has lost; `src/slot/adopt.ts` asks the ledger first. */
  adopt(command: AdoptCommand): Promise<AdoptReply>
  /** Makes counters again while everything goes on; `src/ledger/rebuild.ts` takes the picture and tries again. */
  rebuild(command: RebuildCommand): Promise<RebuildReply>
  /** Windows that exist, in the order asked; null for one that was never held against. */
  peek(keys: readonly string[]): Promise<readonly (c.WindowState | null)[]>
  /** Keys of all windows that exist, `<budget>:<window>`. */
  windows(): Promise<readonly string[]>
  /** State of limits without taking from them. */
  peekLimits(limits: readonly LimitLine[]): Promise<readonly LimitState[]>
  /** The stored result of a job, null when it has none (yet, or any more). */
  result(job: string): Promise<string | null>
  results(jobs: readonly string[]): Promise<readonly (string | null)[]>
  /** The body kept by intake, null when gone. */
  body(job: string): Promise<string | null>
  close(): Promise<void>
}

/** Told to callers: results by client, cancelled jobs to every worker. */
export interface Signals {
  /** Delivers results for `client` as `(job, stored result)`; may miss some: callers also ask `results()`. */
  onResult(
    client: string,
    listener: (job: string, result: string) => void,
  ): Promise<() => Promise<void>>
  onCancel(listener: (job: string) => void): Promise<() => Promise<void>>
}
