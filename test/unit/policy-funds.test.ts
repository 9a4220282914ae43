import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { policyFromJson, policyToJson } from '../../src/config/policy-json.ts'
import { BursarError } from '../../src/errors.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const parse = (section: string) =>
  parsePolicy(
    `version: 1
tiers: { basic: { ladder: main${section.startsWith('budget:') ? `, ${section}` : ''} } }
ladders: { main: [{ model: gpt-6-sol }] }
providers: { openai: { base_url: https://api.openai.com/v1 } }
${section.startsWith('budget:') ? '' : section}`,
    { env: {}, prices: createPriceBook },
  )
const budget = (keys: string) => `budgets: [{ id: a, scope: global, ${keys} }]`

function told(section: string): string {
  try {
    parse(section)
  } catch (error) {
    if (error instanceof BursarError) return error.message
  }
  return ''
}

describe('the windows of a budget', () => {
  test.each([
    ['usd: "5", per: day', [{ per: 'day', limitNano: 5e9 }]],
    ['usd: "5", per: lifetime', [{ per: 'lifetime', limitNano: 5e9 }]],
    ['usd: "5", per: month, starts_on: 15', [{ per: 'month', startsOn: 15, limitNano: 5e9 }]],
    ['usd: "5", per: month, starts_on: 1', [{ per: 'month', limitNano: 5e9 }]],
    ['usd: "5", per: year, starts_on: 04-01', [{ per: 'year', startsOn: '04-01', limitNano: 5e9 }]],
    ['usd: "5", per: year, starts_on: 01-01', [{ per: 'year', limitNano: 5e9 }]],
    [
      'windows: [{ usd: "5", per: hour }, { usd: "9", per: month, starts_on: 31 }]',
      [
        { per: 'hour', limitNano: 5e9 },
        { per: 'month', startsOn: 31, limitNano: 9e9 },
      ],
    ],
  ])('%s', (keys, windows) => {
    const policy = parse(budget(keys))
    expect(policy.budgets).toEqual([
      { id: 'a', scope: { kind: 'global' }, windows, timezone: 'UTC', alertAt: [50, 80, 95, 100] },
    ])
    expect(parse(`budget: { ${keys} }`).tiers.basic?.budget).toEqual({
      windows,
      timezone: 'UTC',
      alertAt: [],
    })
    const stored: unknown = JSON.parse(JSON.stringify(policyToJson(policy)))
    expect(policyFromJson(stored, 1).budgets).toEqual(policy.budgets)
  })

  test('of a budget that only warns, it is kept', () => {
    const policy = parse(budget('usd: "5", per: day, mode: warn'))
    expect(policy.budgets[0]?.mode).toBe('warn')
    expect(policyFromJson(policyToJson(policy), 1).budgets[0]?.mode).toBe('warn')
  })

  test('stored before there were several is read as the one it was', () => {
    const stored = policyToJson(parse(budget('usd: "5", per: day')))
    const before = {
      ...stored,
      budgets: [
        {
          id: 'a',
          scope: { kind: 'global' },
          limitNano: 5e9,
          per: 'day',
          timezone: 'UTC',
          alertAt: [],
        },
      ],
      tiers: {
        basic: {
          ...stored.tiers.basic,
          budget: { limitNano: 7, per: 'hour', timezone: 'UTC', alertAt: [100] },
        },
      },
    }
    const { budgets, tiers } = policyFromJson(before, 1)
    expect(budgets[0]).toEqual({
      id: 'a',
      scope: { kind: 'global' },
      windows: [{ per: 'day', limitNano: 5e9 }],
      timezone: 'UTC',
      alertAt: [],
    })
    expect(tiers.basic?.budget?.windows).toEqual([{ per: 'hour', limitNano: 7 }])
  })
})

describe('mistakes of a budget', () => {
  test.each([
    ['timezone: UTC', 'budgets[0]: says no amount; write usd and per, or windows'],
    ['per: day', 'budgets[0].usd: is missing; write USD'],
    ['usd: "5"', 'budgets[0].per: is missing; write per: month'],
    ['usd: "5", windows: [{ usd: "5", per: day }]', 'budgets[0]: is said twice'],
    ['windows: []', 'budgets[0].windows: write a window'],
    [
      'windows: [{ usd: "5", per: day }, { usd: "6", per: day }]',
      'budgets[0].windows[1].per: day is there already',
    ],
    ['windows: [{ usd: "5" }]', 'budgets[0].windows[0].per: is missing'],
    [
      'usd: "5", per: week, starts_on: 2',
      'budgets[0].starts_on: goes with per: month or year; leave it out',
    ],
    ['usd: "5", per: month, starts_on: 04-01', 'budgets[0].starts_on: 04-01 is no day of a month'],
    [
      'usd: "5", per: month, starts_on: 32',
      'budgets[0].starts_on: 32 does not fit here; write 31 or less',
    ],
    ['usd: "5", per: year, starts_on: 4', 'budgets[0].starts_on: 4 is no day of a year'],
    ['usd: "5", per: year, starts_on: 04-31', 'budgets[0].starts_on: 04-31 is no day of a year'],
    ['usd: "5", per: year, starts_on: 4-1', 'budgets[0].starts_on: write the day of the month'],
    ['usd: "5", per: day, mode: shout', 'budgets[0].mode: "shout" is none of these'],
  ])('%s', (keys, words) => {
    expect(told(budget(keys))).toContain(words)
  })

  test('of a tier are told where they stand', () => {
    expect(told('budget: { usd: "5" }')).toContain('tiers.basic.budget.per: is missing')
    expect(told('budget: { windows: [{ usd: "5", per: hour, starts_on: 3 }] }')).toContain(
      'tiers.basic.budget.windows[0].starts_on: goes with',
    )
  })
})
