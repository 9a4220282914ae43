import type { Facts } from '../../notice.ts'
import type { Telling } from '../story.ts'
import { apart, counted, day, dollars } from '../words.ts'

type MoneyRule =
  | 'unpriced-model'
  | 'price-change'
  | 'overrun'
  | 'ledger-difference'
  | 'unconfirmed-old'
  | 'delivery-failing'
type OfMoney = Extract<Facts, { rule: MoneyRule }>

/** What is told of prices, of the books, and of messages that do not arrive. */
export function tellMoney(facts: OfMoney, timezone: string): Telling {
  switch (facts.rule) {
    case 'unpriced-model':
      return unpriced(facts)
    case 'price-change':
      return priceChange(facts, timezone)
    case 'overrun':
      return overrun(facts)
    case 'ledger-difference':
      return difference(facts)
    case 'unconfirmed-old':
      return unconfirmed(facts, timezone)
    case 'delivery-failing':
      return failing(facts)
  }
}

type Of<Rule extends MoneyRule> = Extract<Facts, { rule: Rule }>
const todo = (text: string) => [{ title: 'What to do', text }]

function unpriced({ model, provider, requests }: Of<'unpriced-model'>): Telling {
  const name = apart(model)
  return {
    title: `Model ${name} has no price (${counted(requests, 'request')})`,
    lead: 'What has no price is never free: such requests are refused, or held at the price that the policy has for unknown models.',
    figures: [
      { label: 'Model', value: name },
      { label: 'Provider', value: provider === null ? 'unknown' : apart(provider) },
      { label: 'Requests', value: requests.toLocaleString('en-US') },
    ],
    notes: todo('Add a price under `prices` in the policy, or take the model out of the ladders.'),
  }
}

function priceChange(facts: Of<'price-change'>, timezone: string): Telling {
  const { before, after, effectiveFromMs } = facts
  const of = ({ input, output }: typeof after) =>
    `$${apart(input, 20)} in, $${apart(output, 20)} out`
  const from = day(effectiveFromMs, timezone)
  return {
    title: `${apart(facts.model)} costs ${of(after)} per million tokens from ${from}`,
    lead: before
      ? `Before that it is ${of(before)}. Budgets stay as they are.`
      : 'It had no price before.',
    figures: [
      { label: 'Model', value: apart(facts.model) },
      { label: 'Provider', value: apart(facts.provider) },
      { label: 'Before', value: before ? of(before) : 'none' },
      { label: 'After', value: of(after) },
      { label: 'From', value: from },
    ],
    notes: todo(
      'Look whether limits and ladders still fit: bursar report shows what it costs you.',
    ),
  }
}

function overrun({ budget, window, calls, overNano }: Of<'overrun'>): Telling {
  return {
    title: `${counted(calls, 'call')} cost ${dollars(overNano)} more than was held (${apart(budget)})`,
    lead: 'A provider billed more than the most that was thought possible. It is booked in full.',
    figures: [
      { label: 'Budget', value: apart(budget) },
      { label: 'Window', value: apart(window) },
      { label: 'Calls', value: calls.toLocaleString('en-US') },
      { label: 'Above the hold', value: dollars(overNano) },
    ],
    notes: todo(
      "Raise input_margin_percent in the provider's profile; bursar verify shows the calls.",
    ),
  }
}

function difference(facts: Of<'ledger-difference'>): Telling {
  const { budget, window, counterNano, ledgerNano } = facts
  return {
    title: `Counter and ledger of ${apart(budget)} ${apart(window)} differ by ${dollars(Math.abs(counterNano - ledgerNano))}`,
    lead: 'What limits are judged by is not what was booked. The ledger is right.',
    figures: [
      { label: 'Counter', value: dollars(counterNano) },
      { label: 'Ledger and outbox', value: dollars(ledgerNano) },
    ],
    notes: todo(
      'bursar verify says what differs, bursar rebuild mends it; both may run at any time.',
    ),
  }
}

function unconfirmed(facts: Of<'unconfirmed-old'>, timezone: string): Telling {
  const { entries, costNano, oldestAtMs } = facts
  return {
    title: `${counted(entries, 'booking')} (${dollars(costNano)}) unconfirmed since ${day(oldestAtMs, timezone)}`,
    lead: 'Nobody saw how these calls ended, so each is booked at its whole hold until the bill says what it cost.',
    figures: [
      { label: 'Bookings', value: entries.toLocaleString('en-US') },
      { label: 'Booked', value: dollars(costNano) },
      { label: 'Oldest', value: day(oldestAtMs, timezone) },
    ],
    notes: todo("bursar verify --bill compares them with the provider's bill and corrects them."),
  }
}

function failing({ channel, failed, lastError }: Of<'delivery-failing'>): Telling {
  return {
    title: `Channel ${apart(channel)} failed ${counted(failed, 'time')} (${apart(lastError)})`,
    lead: 'Messages of this channel go out through the others until it answers again.',
    figures: [
      { label: 'Channel', value: apart(channel) },
      { label: 'Failed', value: counted(failed, 'message') },
      { label: 'Last error', value: apart(lastError, 120) },
    ],
    notes: todo(
      'bursar alerts deliveries lists what failed and why; bursar alerts test tries again.',
    ),
  }
}
