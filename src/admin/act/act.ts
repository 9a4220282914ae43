import type { LinkClaim } from '../../alerts/actions/link.ts'
import { isOnePerson } from '../../alerts/actions/pages.ts'
import type { Money, Sight } from '../../alerts/actions/sight.ts'
import { counted, dollars, instant } from '../../alerts/templates/words.ts'
import { BursarError } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'
import { parseUsd } from '../../money/usd.ts'
import { alertsAck, alertsSilence } from '../alerts.ts'
import { budgetGrant } from '../budget/grant.ts'
import type { AdminPlace } from '../command.ts'
import { perform } from '../perform.ts'
import { creditOf } from './see.ts'
import { tellGranted } from './tell-granted.ts'

/** What was filled in: field -> text. */
export type Filled = Readonly<Record<string, string>>

export interface Acted {
  /** As whom it is on record. */
  readonly by: string
  /** What was done, in a sentence. */
  readonly said: string
}

/**
 * Does what a link stands for, as its recipient and once. What was done before is answered like the first time.
 * @throws {BursarError} INVALID_ARGUMENT naming what to fill in otherwise; LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export async function act(
  place: AdminPlace,
  sight: Sight,
  filled: Filled,
  nowMs: number,
): Promise<Acted> {
  const { claim } = sight
  const by = nameOf(claim, filled)
  const own = { ...place, by }
  switch (claim.action) {
    case 'approve':
      return { by, said: await approve(own, sight, filled, nowMs) }
    case 'acknowledge':
      await perform(alertsAck, own, { id: claim.alert, reason: textIn(filled, 'reason', false) })
      return { by, said: 'You look after it. Nobody is reminded of it any more.' }
    case 'silence': {
      const forMs = spanIn(filled) ?? DAY_MS
      const reason = textIn(filled, 'reason', true)
      await perform(alertsSilence, own, { id: claim.alert, forMs, reason })
      return {
        by,
        said: `Nothing more is told of it until ${instant(nowMs + forMs, sight.timezone)}.`,
      }
    }
    case 'open':
      throw wrong('this link only shows how it stands')
  }
}

const DAY_MS = 86_400_000

async function approve(
  place: AdminPlace,
  sight: Sight,
  filled: Filled,
  nowMs: number,
): Promise<string> {
  const { money, claim, timezone } = sight
  if (!money) throw wrong('the window of this budget is over')
  const amountNano = amountIn(filled, money)
  const forMs = spanIn(filled)
  const reason = textIn(filled, 'reason', true)
  const until = forMs === null ? {} : { forMs }
  const order = { id: creditOf(claim), budget: money.budget, window: money.window }
  const granted = await perform(budgetGrant, place, { ...order, amountNano, ...until, reason })
  await tellGranted(place, { sight, granted, nowMs })
  const { credit, window } = granted
  const upTo = `until ${instant(Date.parse(credit.until), timezone)}`
  const limit = window ? ` The limit is ${dollars(window.limitNano)} now.` : ''
  return `${dollars(credit.amountNano)} more ${upTo}.${limit}${goesOn(money, amountNano)}`
}

function goesOn({ parked, neededNano }: Money, amountNano: Nano): string {
  if (parked.jobs === 0) return ''
  const jobs = counted(parked.jobs, 'waiting job')
  const go = parked.jobs === 1 ? 'goes' : 'go'
  return amountNano >= neededNano
    ? ` ${jobs} ${go} on within seconds.`
    : ` Of ${jobs}, those that it can pay for go on within seconds, oldest first.`
}

function nameOf(claim: LinkClaim, filled: Filled): string {
  const { recipient } = claim
  if (isOnePerson(claim)) return recipient
  return `${textIn(filled, 'who', true, 'your name')} (link to ${recipient})`
}

function textIn(filled: Filled, field: string, required: boolean, what = 'why'): string {
  const text = (filled[field] ?? '').trim().slice(0, 300)
  if (required && text === '') throw wrong(`Say ${what}: it stays on record.`)
  return text
}

function amountIn(filled: Filled, { mostNano }: Money): Nano {
  const text = (filled.amount ?? '').trim().replace(/^\$\s*/, '')
  const nano = parseUsd(text)
  if (nano === 0) throw wrong('Grant more than 0.')
  if (nano <= mostNano) return nano
  throw wrong(
    `From a link ${dollars(mostNano)} is the most: grant that, or more with bursar budget grant.`,
  )
}

/** @returns null = as long as the window. */
function spanIn(filled: Filled): number | null {
  const text = filled.for ?? 'end'
  if (text === 'end') return null
  const ms = /^\d{1,12}$/.test(text) ? Number(text) : 0
  if (ms >= 60_000 && ms <= 31 * DAY_MS) return ms
  throw wrong('Choose for how long.')
}

const wrong = (message: string): BursarError => new BursarError('INVALID_ARGUMENT', message)
