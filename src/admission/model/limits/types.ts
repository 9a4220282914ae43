import type { LimitLine, LimitState } from '../../plan-lines.ts'

/** A limit as it stands, and what becomes of an amount that is asked of it. */
export interface Measure extends LimitState {
  readonly fits: boolean
  /** When the amount would fit, ms; now when it fits. */
  readonly retryAtMs: number
}

export type LineOf<Kind extends LimitLine['kind']> = Extract<LimitLine, { kind: Kind }>

/**
 * The name under which a limit's state is kept, the same in every store. What changes the meaning of a state is part
 * of it: a limit that is given another algorithm or period, or a bucket another rate, begins anew.
 */
export function stateKey(line: LimitLine): string {
  switch (line.kind) {
    case 'sliding-window':
      return `s${line.perMs}:${line.key}`
    case 'fixed-window':
      return `f${line.perMs}:${line.key}`
    case 'token-bucket':
      return `b${line.perMs}/${line.limit}:${line.key}`
    case 'concurrent':
      return `c:${line.key}`
  }
}
