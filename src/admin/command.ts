import type { z } from 'zod'
import type { AdmissionStore } from '../admission/store.ts'
import type { Environment } from '../config/options.ts'
import type { Policy } from '../config/policy-types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PolicyOptions } from '../queue/prepare-policy.ts'
import type { Queues } from '../queue/queues.ts'
import type { TierShelf } from '../queue/tier-shelf.ts'
import type { CachePlace, WarmPlace } from './cache/place.ts'
import type { ReadSlot } from './place/read-slot.ts'

/**
 * What a command may look at, wherever it lives. Each part is opened at its first use, so that a report comes also
 * while Redis is away; whoever made the place closes it.
 */
export interface AdminPlace {
  /** Who asks, for records: `operator`, or `key <id>`; absent = whoever has the command line. */
  readonly by?: string
  /** @throws {BursarError} INVALID_OPTIONS, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED. */
  ledger(): Promise<Ledger>
  /** @throws {BursarError} INVALID_OPTIONS, STORE_UNAVAILABLE. */
  slot(): Promise<ReadSlot>
  /** What mends the slot. @throws {BursarError} INVALID_OPTIONS, STORE_UNAVAILABLE. */
  repair(): Promise<RepairSlot>
  /** @throws {BursarError} INVALID_OPTIONS, STORE_UNAVAILABLE. */
  queues(): Promise<Queues>
  /** Where processes look up the tiers that users were given. Throws like `queues`. */
  tiers(): Promise<TierShelf>
  /** What is kept so that it need not be made again. Throws like `queues`. */
  cache(): Promise<CachePlace>
  /** What asks beforehand. Throws like `queues`. */
  warming(): Promise<WarmPlace>
  /** How a policy is read here, and told to every process. */
  readonly policies: PolicyPlace
}

/** Where policies are judged and put in force. */
export interface PolicyPlace {
  /** Values of `${NAME}`. */
  readonly env: Environment
  readonly options: PolicyOptions
  /** Tells every process within seconds. Throws like `queues`. */
  publish(policy: Policy): Promise<unknown>
}

/** The slot's own steps that an operator may ask for. */
export type RepairSlot = Pick<AdmissionStore, 'rebuild' | 'adopt' | 'settle' | 'credit'>

/** Who may ask: reading money, changing budgets, or changing who has access. */
export type AdminRole = 'viewer' | 'finance' | 'admin'

/** Told how far a long command is; `total` may be 0 while nobody knows. Only the process that runs it hears it. */
export type Watch = (done: number, total: number, text: string) => void

/**
 * One question or order of an operator, defined once: the command line runs it in its own process, or sends it over the
 * socket or HTTP of a running one (`POST /v1/admin/<name>`), and prints the same.
 */
export interface AdminCommand<Input, Output> {
  /** kebab-case, e.g. `report`, `keys-create`. */
  readonly name: string
  readonly role: AdminRole
  /** What it does, in one sentence for the reference of the API. */
  readonly summary?: string
  /**
   * Whether it changes anything, and is written into the audit log; it may depend on the input. Absent = unless a viewer
   * may ask it.
   */
  readonly changes?: boolean | ((input: Input) => boolean)
  /** From how many steps on a bar is shown; absent = 20,000 rows: shorter scans are over before it would be read. */
  readonly barFrom?: number
  /** Parsed where it comes in; JSON. */
  readonly input: z.ZodType<Input>
  /** Parsed where it comes out; JSON. */
  readonly output: z.ZodType<Output>
  /** @throws {BursarError} with a code that survives the way over HTTP. */
  run(place: AdminPlace, input: Input, watch?: Watch): Promise<Output>
}
