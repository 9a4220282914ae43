import type { CallOutcome } from '../provider/types.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Admitted } from './admit-request.ts'

/** The key that it refuses is Bursar's, not the caller's, and its words quote a part of it. */
export const refusesKey = (status: number | null): boolean => status === 401 || status === 403

/** What callers are told instead of the provider's words. @param provider - as the policy names it. */
export const keyRefused = (provider: string): string =>
  `the provider refuses the key that it is called with: an operator has to look at providers.${provider} in the policy, and at the log`

/** Keys as providers write and quote them: by their prefixes, or with their middle left out. */
const LIKE_A_KEY = /\b(?:sk|pk|rk|gsk|xai|key|AIza)[-_][\w.*-]{4,}|\S*(?:\*{2,}|…|\.{3,})\S*/g

/** A text in which nothing is left that looks like a part of a key. */
export const withoutKeys = (text: string): string => text.replace(LIKE_A_KEY, '[removed]')

/** Leaves the provider's own words to the operator, without what they quote of the key. */
export function tellRefusedKey(outcome: CallOutcome, { plan, hold }: Admitted, log: Logger): void {
  if (!('status' in outcome) || !refusesKey(outcome.status)) return
  const { provider, model } = plan.rungs[hold.terms.rung]?.rung ?? {}
  const { status, message } = outcome
  const said = withoutKeys(message)
  log.error({ provider, model, status, said }, 'a provider refuses the key that it is called with')
}
