import type { Nano } from '../money/nano.ts'

/**
 * A stored result is one line of what was left in each window of the attempt when it settled (nano-USD, comma
 * separated, in the order of the plan; empty when nothing was held), then the JSON body.
 */
export interface StoredResult {
  readonly leftNano: readonly Nano[]
  readonly body: string
}

export function readStoredResult(stored: string): StoredResult {
  const end = stored.indexOf('\n')
  const line = stored.slice(0, Math.max(end, 0))
  return {
    leftNano: line === '' ? [] : line.split(',').map(Number),
    body: stored.slice(end + 1),
  }
}

export const writeStoredResult = ({ leftNano, body }: StoredResult): string =>
  `${leftNano.join(',')}\n${body}`
