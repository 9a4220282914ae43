import type { ImportedView, PricesView, PriceView } from '../../admin/prices/prices.ts'
import type { PricesDiff } from '../../admin/prices/schemas.ts'
import type { Output } from '../output.ts'
import { printable } from '../report/printable.ts'

const second = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z')
const MOST_SHOWN = 40

/** Prints the imported lists as a table. */
export function showLists({ lists }: PricesView, output: Output): void {
  if (lists.length === 0) {
    output.line('none was imported: the list that came with Bursar is in force')
    return
  }
  output.table(
    ['NUMBER', 'HOLDS FROM', 'MODELS', 'SOURCE', 'IMPORTED', 'BY', ''],
    lists.map(({ number, effectiveFrom, models, source, importedAt, importedBy, inForce }) => [
      ...[String(number), second(effectiveFrom), String(models), printable(source, 60)],
      ...[second(importedAt), printable(importedBy, 40)],
      inForce ? output.paint('green', 'in force') : '',
    ]),
  )
}

const PICO_PER_USD = 1_000_000
/** USD per million tokens. */
const usd = (pico: number): string => String(pico / PICO_PER_USD)

/** Prints what a model costs. */
export function showPrice(
  { model, provider, at, version, steps, discountPercent }: PriceView,
  output: Output,
): void {
  const name = `${provider}/${model}`
  if (steps === null) {
    output.line(`nobody knows the price of ${printable(name)}: its calls are refused`)
    return
  }
  output.table(
    ['FROM INPUT TOKENS', 'INPUT', 'CACHED', 'CACHE WRITE', 'OUTPUT'],
    steps.map(({ fromInputTokens, rates }) => [
      String(fromInputTokens),
      ...[rates.input, rates.cachedInput, rates.cacheWrite, rates.output].map(usd),
    ]),
  )
  const less = discountPercent === null ? '' : `, less ${discountPercent}% by contract`
  output.line(`${printable(name)} at ${second(at)}, USD per million tokens${less}, by ${version}`)
}

/** Prints what a list would change. */
export function showDiff(
  { against, added, removed, changed, changes, inUse }: PricesDiff,
  output: Output,
): void {
  const base = against === 0 ? 'the list that came with Bursar' : `list ${against}`
  if (changes.length > 0) {
    output.table(
      ['PROVIDER', 'MODEL', 'CHANGE'],
      changes
        .slice(0, MOST_SHOWN)
        .map(({ provider, model, change }) => [
          ...[provider, model].map((text) => printable(text, 60)),
          change,
        ]),
    )
    output.line()
  }
  const more = changes.length > MOST_SHOWN ? '; --json shows each' : ''
  output.line(`against ${base}: ${added} added, ${removed} removed, ${changed} changed${more}`)
  for (const { provider, model, calls, after } of inUse) {
    const what = after === null ? 'would have no price' : 'would cost otherwise'
    const line = `${printable(`${provider}/${model}`)} ${what}: called ${calls} times in 30 days`
    output.line(output.paint('yellow', line))
  }
}

export function showImported({ imported, diff }: ImportedView, output: Output): void {
  if (imported === null) {
    output.line('it has nothing new: nothing was imported')
    return
  }
  showDiff(diff, output)
  output.line(`list ${imported.number} holds from ${second(imported.effectiveFrom)} on`)
}
