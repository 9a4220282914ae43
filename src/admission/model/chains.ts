import type { AdmitCommand } from '../commands.ts'
import type { Chain, LimitLine, RungOffer, WindowLine } from '../plan-lines.ts'

/** Some items of a list, each with its position there. */
export type Chosen<T> = readonly { readonly index: number; readonly item: T }[]

const choose = <T>(list: readonly T[], positions: readonly number[] | undefined): Chosen<T> =>
  positions === undefined
    ? list.map((item, index) => ({ index, item }))
    : positions.flatMap((index) => {
        const item = list[index]
        return item === undefined ? [] : [{ index, item }]
      })

/** The chain that pays for a rung; undefined = every window and limit of the plan. */
export const chainOf = (
  { chains }: Pick<AdmitCommand, 'chains'>,
  { chain }: RungOffer,
): Chain | undefined => (chain === undefined ? undefined : chains?.[chain])

/** Whether a window of the plan may refuse a rung: it is one of the chain's, and not there for warning alone. */
export const blocks =
  (lines: readonly WindowLine[], chain: Chain | undefined) =>
  (window: number): boolean =>
    lines[window]?.warnOnly !== true && (chain?.windows.includes(window) ?? true)

/** What governs a rung, each with its position in the plan; windows in whatever form they are at hand. */
export const governing = <Window>(
  plan: { readonly windows: readonly Window[]; readonly limits: readonly LimitLine[] },
  chain: Chain | undefined,
): { readonly windows: Chosen<Window>; readonly limits: Chosen<LimitLine> } => ({
  windows: choose(plan.windows, chain?.windows),
  limits: choose(plan.limits, chain?.limits),
})
