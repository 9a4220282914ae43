import type { Nano } from '../money/nano.ts'

/** How the windows of an attempt stood when it settled, in the order of the plan; empty when nothing was held. */
export interface WindowsLeft {
  /** Negative after a limit was lowered. */
  readonly leftNano: readonly Nano[]
  /** The part of each limit that was granted on top of the policy's. */
  readonly creditNano: readonly Nano[]
}

/**
 * A stored result is one line of what was left in each window (nano-USD, with commas between; `left+credit` where
 * something was granted), then the JSON body.
 */
export interface StoredResult extends WindowsLeft {
  readonly body: string
}

export function readStoredResult(stored: string): StoredResult {
  const end = stored.indexOf('\n')
  const line = stored.slice(0, Math.max(end, 0))
  const windows = line === '' ? [] : line.split(',').map((window) => window.split('+'))
  return {
    leftNano: windows.map(([left]) => Number(left)),
    creditNano: windows.map(([, credit = 0]) => Number(credit)),
    body: stored.slice(end + 1),
  }
}

export function writeStoredResult({ leftNano, creditNano, body }: StoredResult): string {
  const windows = leftNano.map((left, at) => {
    const credit = creditNano[at] ?? 0
    return credit > 0 ? `${left}+${credit}` : String(left)
  })
  return `${windows.join(',')}\n${body}`
}
