import { z } from 'zod'
import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import { openWindows } from '../../admission/plan/find-windows.ts'
import type { WindowLine } from '../../admission/plan-lines.ts'
import type { Policy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import type { AdminPlace } from '../command.ts'

const nano = z.int()

export const OverSchema = z.object({
  /** Those that are furthest over first, at most 100. */
  windows: z.array(
    z.object({
      ...{ budget: z.string(), window: z.string() },
      /** Spent and held now; the limit that was compared with, and the one that would be, top-ups included; nano-USD. */
      ...{ usedNano: nano, limitNano: nano, wouldBeNano: nano },
    }),
  ),
  /** How many there are. */
  total: z.int().min(0),
})
export type OverAtOnce = Readonly<z.infer<typeof OverSchema>>
type OverWindow = OverAtOnce['windows'][number]

const MOST_LISTED = 100

/** The policy that is compared with, and the one that would be in force. */
interface Change {
  readonly before: Policy
  readonly after: Policy
}

/**
 * Windows that are open now and hold more than a policy would allow them: it would refuse at once what it concerns.
 * @returns null when nobody knows, because the slot cannot be reached.
 */
export async function overAtOnce(
  place: Pick<AdminPlace, 'slot'>,
  change: Change,
): Promise<OverAtOnce | null> {
  try {
    const found = await findOver(place, change)
    const windows = found.toSorted((a, b) => excess(b) - excess(a)).slice(0, MOST_LISTED)
    return { windows, total: found.length }
  } catch (error) {
    if (isBursarError(error, 'STORE_UNAVAILABLE')) return null
    throw error
  }
}

const excess = ({ usedNano, wouldBeNano }: OverWindow): number => usedNano - wouldBeNano

async function findOver(
  place: Pick<AdminPlace, 'slot'>,
  { before, after }: Change,
): Promise<OverWindow[]> {
  const slot = await place.slot()
  const nowMs = await slot.now()
  const found: OverWindow[] = []
  for await (const page of slot.windows(nowMs)) {
    for (const state of await slot.peek(page)) {
      if (!state) continue
      const [was, would] = [before, after].map((policy) => lineFor(policy, state.key, nowMs))
      const over = judge(state, was, would)
      if (over) found.push(over)
    }
  }
  return found
}

/** What the policy would allow of a window; undefined = it has no such budget, or cuts time otherwise. */
function lineFor(policy: Policy, key: string, nowMs: number): WindowLine | undefined {
  try {
    return openWindows(policy, splitWindowKey(key).budget, nowMs).find((line) => line.key === key)
  } catch (error) {
    if (isBursarError(error, 'UNKNOWN_BUDGET')) return undefined
    throw error
  }
}

/** What is over already, by a limit that stays, is not this policy's doing. */
function judge(
  { key, creditNano, spentNano, heldNano, ...state }: WindowState,
  was: WindowLine | undefined,
  would: WindowLine | undefined,
): OverWindow | null {
  if (!would || would.warnOnly) return null
  const usedNano = spentNano + heldNano
  // A window that the policy before did not cut has the limit of an older one.
  const limitNano = was ? was.limitNano + creditNano : state.limitNano
  const wouldBeNano = would.limitNano + creditNano
  if (wouldBeNano === limitNano || usedNano <= wouldBeNano) return null
  return { ...splitWindowKey(key), usedNano, limitNano, wouldBeNano }
}
