import { z } from 'zod'
import { addNano, type Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Findings } from './findings.ts'

const count = z.int().min(0)

/** What the ledger has of one attempt; money in nano-USD. */
export const BookingSchema = z.object({
  attempt: z.string(),
  bookedNano: z.int(),
  status: z.enum(['confirmed', 'unconfirmed', 'released']),
  overrunNano: z.int(),
})
export type Booking = Readonly<z.infer<typeof BookingSchema>>

/** Attempts held against what was billed for them. */
export const ComparisonSchema = z.object({
  /** Booked in the ledger, for all attempts. */
  bookedNano: z.int(),
  /** Attempts booked at exactly what was billed. */
  equal: count,
  /** Booked whole because nobody knew the outcome, and what of that was billed. */
  unconfirmed: z.object({ attempts: count, bookedNano: z.int(), billedNano: z.int() }).readonly(),
  /** Attempts that were billed above their hold; the first 1,000 by name. */
  overruns: z.array(z.object({ attempt: z.string(), overrunNano: z.int() }).readonly()).readonly(),
})
export type Compared = Readonly<z.infer<typeof ComparisonSchema>>

const MOST_NAMED = 1_000
const NOTHING: Compared = {
  bookedNano: 0,
  equal: 0,
  unconfirmed: { attempts: 0, bookedNano: 0, billedNano: 0 },
  overruns: [],
}

/** Adds up one comparison and names what is wrong in it. */
export class Comparison {
  readonly #findings: Findings
  readonly #overruns: { attempt: string; overrunNano: Nano }[]
  readonly #unconfirmed: { attempts: number; bookedNano: Nano; billedNano: Nano }
  #bookedNano: Nano
  #equal: number

  /** @param before - a comparison to go on with. */
  constructor(findings: Findings, before = NOTHING) {
    this.#findings = findings
    this.#overruns = [...before.overruns]
    this.#unconfirmed = { ...before.unconfirmed }
    this.#bookedNano = before.bookedNano
    this.#equal = before.equal
  }

  judge({ attempt, bookedNano, status, overrunNano }: Booking, billedNano: Nano): void {
    this.#bookedNano = addNano(this.#bookedNano, bookedNano)
    const found = `billed ${formatUsd(billedNano)}, booked ${formatUsd(bookedNano)}, ${status}`
    if (overrunNano > 0 && this.#overruns.length < MOST_NAMED) {
      this.#overruns.push({ attempt, overrunNano })
    }
    if (bookedNano < billedNano) this.#findings.add('below-bill', attempt, found)
    else if (status === 'unconfirmed') this.#addUnconfirmed(bookedNano, billedNano)
    else if (bookedNano === billedNano) this.#equal += 1
    else if (overrunNano === 0) this.#findings.add('above-bill', attempt, found)
  }

  #addUnconfirmed(bookedNano: Nano, billedNano: Nano): void {
    this.#unconfirmed.attempts += 1
    this.#unconfirmed.bookedNano += bookedNano
    this.#unconfirmed.billedNano += billedNano
  }

  result(): Compared {
    return {
      bookedNano: this.#bookedNano,
      equal: this.#equal,
      unconfirmed: this.#unconfirmed,
      overruns: this.#overruns,
    }
  }
}
