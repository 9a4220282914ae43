import { expect, it } from 'vitest'
import { findWindow, openWindows, soleBudgets } from '../../src/admission/plan/find-windows.ts'
import { budgetChain } from '../../src/admission/plan/window-lines.ts'
import { NOW_MS, policyOf } from './plan-policy.ts'

const policy = policyOf((text) =>
  text.replace(
    'limits:',
    '  - { id: two, scope: global, windows: [{ usd: "1", per: day }, { usd: "9", per: lifetime }], mode: warn }\nlimits:',
  ),
)

const nameOf = (key: string) => key.slice(0, key.lastIndexOf(':'))

it('finds every window that admission asks for, as admission asks for it', () => {
  const who = { tenant: 'a/b: c', user: 'ü{1}', tier: 'basic', tags: { feature: 'x y' } }
  const lines = budgetChain(policy, who, NOW_MS)
  expect(lines.length).toBeGreaterThan(6)
  for (const line of lines) {
    expect(openWindows(policy, nameOf(line.key), NOW_MS)).toContainEqual(line)
    const window = line.key.slice(nameOf(line.key).length + 1)
    expect(findWindow(policy, nameOf(line.key), window, NOW_MS)).toEqual(line)
  }
})

it('finds a window that is yet to come, and none that is over', () => {
  expect(findWindow(policy, 'company', '2027-02', NOW_MS)).toMatchObject({
    key: 'company:2027-02',
    startMs: Date.UTC(2027, 1),
    endMs: Date.UTC(2027, 2),
    limitNano: 2_000e9,
    marks: [50, 80],
  })
  expect(() => findWindow(policy, 'company', '2026-10', NOW_MS)).toThrowError(/no window 2026-10/)
})

it('takes the only open window when none is named, and asks when there are several', () => {
  expect(findWindow(policy, 'company', undefined, NOW_MS).key).toBe('company:2026-11')
  expect(() => findWindow(policy, 'two', undefined, NOW_MS)).toThrowError(/--window 2026-11-21/)
  expect(findWindow(policy, 'two', 'lifetime', NOW_MS)).toMatchObject({ warnOnly: true })
})

it.each(['nobody', 'tenants', 'company/acme', 'people/acme', 'people/acme/', 'tier.narrow/a/b'])(
  'knows no budget %s, and says which there are',
  (budget) => {
    expect(() => openWindows(policy, budget, NOW_MS)).toThrowError(
      expect.objectContaining({
        code: 'UNKNOWN_BUDGET',
        detail: expect.objectContaining({
          known: expect.arrayContaining(['company', 'tenants/<name>', 'people/<tenant>/<user>']),
        }),
      }),
    )
  },
)

it('names the budgets that have one state for all', () => {
  expect(soleBudgets(policy)).toEqual(['company', 'acme', 'boss', 'level', 'tutor', 'two'])
})
