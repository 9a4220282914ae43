import type { Facts, NoticeState } from '../../notice.ts'
import type { Telling } from '../story.ts'
import { tellBudget } from './budget.ts'
import { tellMeasure } from './measures.ts'
import { tellMoney } from './money.ts'

/** What one alert has to tell. @param timezone - in which times are written. */
export function tellAlert(
  facts: Exclude<Facts, { rule: 'digest' | 'report' }>,
  state: NoticeState,
  timezone: string,
): Telling {
  switch (facts.rule) {
    case 'budget-threshold':
    case 'projected-overrun':
    case 'burn-rate':
      return tellBudget(facts, state)
    case 'unpriced-model':
    case 'price-change':
    case 'overrun':
    case 'ledger-difference':
    case 'unconfirmed-old':
    case 'delivery-failing':
      return tellMoney(facts, timezone)
    default:
      return tellMeasure(facts)
  }
}
