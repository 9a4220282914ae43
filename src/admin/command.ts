import type { z } from 'zod'
import type { Runtime } from '../runtime.ts'

/** What a command may look at: everything a process has open, in Redis or embedded. */
export type AdminPlace = Runtime

/** Who may ask: reading money, changing budgets, or changing who has access. */
export type AdminRole = 'viewer' | 'finance' | 'admin'

/**
 * One question or order of an operator, defined once: the command line runs it in its own process, or sends it over the
 * socket or HTTP of a running one (`POST /v1/admin/<name>`), and prints the same.
 */
export interface AdminCommand<Input, Output> {
  /** kebab-case, e.g. `report`, `keys-create`. */
  readonly name: string
  readonly role: AdminRole
  /** Parsed where it comes in; JSON. */
  readonly input: z.ZodType<Input>
  /** Parsed where it comes out; JSON. */
  readonly output: z.ZodType<Output>
  /** @throws {BursarError} with a code that survives the way over HTTP. */
  run(place: AdminPlace, input: Input): Promise<Output>
}
