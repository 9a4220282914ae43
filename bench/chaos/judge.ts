import { splitWindowKey } from '../../src/admission/outbox.ts'
import { billByAttempt } from '../../src/cli/traffic/bill.ts'
import { type Difference, difference, type Evidence } from '../../src/cli/traffic/evidence.ts'
import { judge } from '../../src/cli/traffic/judge.ts'
import { sumsOf } from '../../src/cli/traffic/judge-bill.ts'
import { overspends } from '../../src/cli/traffic/judge-windows.ts'
import type { Nano } from '../../src/money/nano.ts'
import type { PolicyFile } from './policy.ts'
import type { Suspect } from './sampler.ts'

/** The one line of `--json`. Money in nano-USD. */
export interface Verdict {
  /** Looks at all windows. */
  readonly samples: number
  /** Workers and Redis, by kill -9. */
  readonly kills: number
  /** Above the limits in force, at any look or by the bill, without named overruns. */
  readonly overspendNano: Nano
  /** Billed calls that are not booked, or below their bill; requests without an end. */
  readonly lost: number
  /** Calls booked or billed twice. */
  readonly doubled: number
  /** Windows that still hold money when every hold has run out. */
  readonly leakedHolds: number
  /** Everything else in which callers, counters, ledger and bill do not agree. */
  readonly mismatches: number
  /** Entries booked whole, because nobody lived to see their bill. */
  readonly unconfirmed: number
  /** Billed above what was held, and booked in full. */
  readonly overrunNano: Nano
}

/** An overrun as the ledger has it. */
export interface Overrun {
  readonly windows: readonly string[]
  readonly postedAtMs: number
  readonly overrunNano: Nano
}

export interface Findings {
  readonly evidence: Evidence
  readonly suspects: readonly Suspect[]
  readonly overruns: readonly Overrun[]
  readonly policy: Pick<PolicyFile, 'highestOf'>
  readonly samples: number
  readonly kills: number
}

export interface Judgement {
  readonly verdict: Verdict
  /** Empty = all is well. */
  readonly differences: readonly Difference[]
}

const LOST = new Set([
  'requests without an outcome',
  'billed attempts that the ledger lacks',
  'unconfirmed entries below their bill',
])
const DOUBLED = new Set([
  'attempts billed twice',
  'attempts with two entries',
  'postings that came again with other content',
])
const LEAKED = 'windows that still hold money'
const OVERSPENT = 'windows overspent'

/** Pure. */
export function judgeChaos(findings: Findings): Judgement {
  const evidence = withHighestLimits(findings)
  const unexcused = unexcusedOf(findings)
  const differences = [
    ...judge(evidence),
    ...difference(
      'looks at a window above its limit',
      unexcused.map(({ key, excessNano, toMs }) => `${key}: ${excessNano} at ${toMs}`),
    ),
    ...difference('overruns that the bill does not explain', unbilledOverruns(evidence)),
  ]
  const count = (isOne: (what: string) => boolean) =>
    differences.reduce((sum, { what, count: times }) => sum + (isOne(what) ? times : 0), 0)
  const { overrunNano, unconfirmed } = sumsOf(evidence)
  const overspendNano = sum([
    ...overspends(evidence).map(({ nano }) => nano),
    ...highest(unexcused),
  ])
  const verdict = {
    samples: findings.samples,
    kills: findings.kills,
    overspendNano,
    lost: count((what) => LOST.has(what)),
    doubled: count((what) => DOUBLED.has(what)),
    leakedHolds: count((what) => what === LEAKED),
    mismatches: count(
      (what) => !LOST.has(what) && !DOUBLED.has(what) && what !== LEAKED && what !== OVERSPENT,
    ),
    ...{ unconfirmed, overrunNano },
  }
  return { verdict, differences }
}

/** What was spent was spent under some limit: the highest is what the whole run may not pass. */
const withHighestLimits = ({ evidence, policy }: Findings): Evidence => ({
  ...evidence,
  windows: evidence.windows.map((window) => ({
    ...window,
    limitNano: Math.max(window.limitNano, policy.highestOf(splitWindowKey(window.key).budget)),
  })),
})

/** What the overruns do not explain that were posted between a look and the one before it. */
function unexcusedOf({ suspects, overruns }: Findings): Suspect[] {
  return suspects.flatMap((suspect) => {
    const { key, fromMs, toMs } = suspect
    const named = overruns.filter(
      ({ windows, postedAtMs }) =>
        postedAtMs >= fromMs && postedAtMs <= toMs && windows.includes(key),
    )
    const excessNano = suspect.excessNano - sum(named.map(({ overrunNano }) => overrunNano))
    return excessNano > 0 ? [{ ...suspect, excessNano }] : []
  })
}

/** An overrun excuses what is above a limit: so each has to be on the bill. */
function unbilledOverruns({ entries, bill }: Evidence): string[] {
  const billed = billByAttempt(bill)
  return entries.flatMap(({ attempt, holdNano, overrunNano }) => {
    const billedNano = billed.get(attempt) ?? 0
    const isBilled = overrunNano === 0 || billedNano - holdNano >= overrunNano
    return isBilled
      ? []
      : [`${attempt}: billed ${billedNano}, held ${holdNano}, overrun ${overrunNano}`]
  })
}

/** The worst look at each window. */
function highest(suspects: readonly Suspect[]): Nano[] {
  const worst = new Map<string, Nano>()
  for (const { key, excessNano } of suspects) {
    worst.set(key, Math.max(worst.get(key) ?? 0, excessNano))
  }
  return [...worst.values()]
}

const sum = (amounts: readonly Nano[]): Nano => amounts.reduce((total, one) => total + one, 0)
