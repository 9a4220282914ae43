import { z } from 'zod'
import { addNano, type Nano } from '../../money/nano.ts'

/** One call as it was billed; `attempt` '' = it was told none. */
export interface BilledCall {
  readonly id: string
  readonly nano: Nano
  readonly attempt: string
}

const count = z.int().min(0)
const nano = z.int().min(0)

/** A bill added up by attempt: what travels to the process that compares, which has no business with our files. */
export const BillSumsSchema = z.object({
  calls: count,
  billedNano: nano,
  /** Calls that nobody governed. */
  unnamed: z.array(z.object({ id: z.string(), nano })).readonly(),
  /** `[attempt, nano-USD, calls]` */
  attempts: z.array(z.tuple([z.string().min(1), nano, count])).readonly(),
})
export type BillSums = Readonly<z.infer<typeof BillSumsSchema>>

/** Adds a bill up. Fails as its lines do. */
export async function addUpBill(lines: AsyncIterable<BilledCall>): Promise<BillSums> {
  const attempts = new Map<string, [attempt: string, nano: Nano, calls: number]>()
  const unnamed: { id: string; nano: Nano }[] = []
  const sums = { calls: 0, billedNano: 0 }
  for await (const call of lines) {
    sums.calls += 1
    sums.billedNano = addNano(sums.billedNano, call.nano)
    if (call.attempt === '') unnamed.push({ id: call.id, nano: call.nano })
    else {
      const [, known, calls] = attempts.get(call.attempt) ?? ['', 0, 0]
      attempts.set(call.attempt, [call.attempt, known + call.nano, calls + 1])
    }
  }
  return { ...sums, unnamed, attempts: [...attempts.values()] }
}

/** attempt -> nano-USD */
export const byAttempt = ({ attempts }: BillSums): Map<string, Nano> =>
  new Map(attempts.map(([attempt, billed]) => [attempt, billed]))
