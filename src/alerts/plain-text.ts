import { formatUsd } from '../money/usd.ts'
import type { BudgetFacts, Facts, Notice, Rendered } from './notice.ts'
import { clean } from './templates/words.ts'

/**
 * Writes a message without any layout: what goes out when the templates fail. Pure; names are cut, so that nothing is
 * longer than a channel takes.
 */
export function plainRender(notice: Notice): Rendered {
  const title = clean(titleOf(notice.facts, notice.scope), LONGEST_TITLE)
  const trial = notice.test ? 'TEST: ' : ''
  const subject = `${trial}[${wordOf(notice)}] ${title}`
  const lines = [
    subject,
    '',
    ...detailsOf(notice.facts),
    ...notice.links.map(({ label, href }) => `${label}: ${href}`),
    '',
    `Alert ${notice.thread}, message ${notice.id}`,
  ]
  const text = lines.join('\n')
  return {
    ...{ subject, text, html: `<pre>${escapeHtml(text)}</pre>` },
    slack: { text: `${escapeSlack(subject)} (${notice.id})`, blocks: [] },
    attachments: [],
  }
}

/** Mail programs and phones cut what is longer. */
const LONGEST_TITLE = 130

const wordOf = ({ severity, state }: Notice): string =>
  state === 'resolved' ? 'RESOLVED' : severity.toUpperCase()

function titleOf(facts: Facts, scope: string): string {
  switch (facts.rule) {
    case 'budget-threshold':
    case 'projected-overrun':
    case 'burn-rate':
      return `${scope} at ${facts.percent}% ($${formatUsd(facts.spentNano)} of $${formatUsd(facts.limitNano)})`
    case 'digest':
      return `${facts.items.length + facts.more} alerts (${facts.every} digest)`
    default:
      return `${facts.rule}: ${scope}`
  }
}

function detailsOf(facts: Facts): string[] {
  switch (facts.rule) {
    case 'budget-threshold':
    case 'projected-overrun':
    case 'burn-rate':
      return budgetDetails(facts)
    case 'digest':
      return facts.items.map(({ severity, scope, facts: { rule } }) =>
        one(`${severity} ${rule}: ${scope}`),
      )
    default:
      return Object.entries(facts)
        .filter(([, value]) => typeof value !== 'object')
        .map(([name, value]) => one(`${name}: ${value}`))
  }
}

const budgetDetails = (facts: BudgetFacts): string[] => [
  `Spent ${formatUsd(facts.spentNano)}, held ${formatUsd(facts.heldNano)}, limit ${formatUsd(facts.limitNano)} USD`,
  one(`Window ${facts.window} (${facts.timezone})`),
  ...facts.drivers.map(({ kind, name, costNano }) =>
    one(`${kind} ${name}: ${formatUsd(costNano)} USD`),
  ),
]

const MOST_CHARACTERS = 200
/** One line of a length that every channel takes. */
const one = (text: string): string => clean(text, MOST_CHARACTERS)

const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const escapeHtml = (text: string): string => escapeSlack(text).replaceAll('"', '&quot;')
