/** What can be made to go wrong. The first seven are never billed; all others are, `late-error` too. */
export const FAULTS = [
  '401',
  '429',
  '429-retry-after',
  '429-quota',
  '500',
  '503',
  'redirect',
  'stall',
  'reset',
  'cut',
  'late-error',
  'missing-usage',
  'overbill',
  'malformed',
] as const
export type Fault = (typeof FAULTS)[number]

/** A fault happens when the draw falls below `upTo` and not below that of the rule before it. */
export interface FaultRule {
  readonly fault: Fault
  readonly upTo: number
}

const list = FAULTS.join(', ')

/** @throws {Error} nobody knows a fault of this name. */
export function readFault(name: string): Fault {
  const fault = FAULTS.find((known) => known === name)
  if (!fault) throw new Error(`unknown fault "${name}": use one of ${list}`)
  return fault
}

/**
 * Reads `429:0.05,cut:0.01`: names with probabilities in [0, 1] that add up to 1 at most.
 * @throws {Error} an unknown name or a probability out of range, with what is allowed.
 */
export function readFaultSpec(spec: string): readonly FaultRule[] {
  let upTo = 0
  return spec
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const [name = '', share = ''] = item.split(':')
      const probability = share === '' ? Number.NaN : Number(share)
      if (!(probability >= 0 && probability <= 1))
        throw new Error(`fault "${item}" needs a probability from 0 to 1, as in "${name}:0.05"`)
      upTo += probability
      if (upTo > 1 + 1e-9) throw new Error(`the faults of "${spec}" add up to more than 1`)
      return { fault: readFault(name), upTo }
    })
}

/** @param u - in [0, 1). */
export const pickFault = (rules: readonly FaultRule[], u: number): Fault | null =>
  rules.find((rule) => u < rule.upTo)?.fault ?? null
