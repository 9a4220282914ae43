import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACME, noticeOf } from '../../scripts/preview/samples.ts'
import {
  isOwnForm,
  LINK_ACTIONS,
  LINK_LIFE_MS,
  type LinkClaim,
  readLink,
  signForm,
  signLink,
} from '../../src/alerts/actions/link.ts'
import { actionLinks, linkSettings, recipientOf } from '../../src/alerts/actions/links.ts'
import { pageHtml } from '../../src/alerts/actions/page.tsx'
import { confirmPage, donePage, problemPage } from '../../src/alerts/actions/pages.ts'
import type { Problem, Sight } from '../../src/alerts/actions/sight.ts'

const OLD = 'the-secret-of-last-year-0123456789'
const NEW = 'the-secret-of-this-year-0123456789'
const NOW_MS = Date.parse('2026-11-21T16:04:00Z')
const claim: LinkClaim = {
  ...{ action: 'approve', alert: 'al-1', message: 'al-1-1', recipient: 'fred@acme.example' },
  expiresAtMs: NOW_MS + 1_000,
}

describe('a link', () => {
  it('says what it was signed with, until it is over', () => {
    const anyClaim = fc.record({
      action: fc.constantFrom(...LINK_ACTIONS),
      alert: fc.string({ minLength: 1, maxLength: 80 }),
      message: fc.string({ minLength: 1, maxLength: 80 }),
      recipient: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
      expiresAtMs: fc.integer({ min: 1, max: 2 ** 42 }),
    })
    const law = fc.property(anyClaim, (one) => {
      const token = signLink(one, [NEW])
      expect(readLink(token, [NEW], one.expiresAtMs - 1)).toEqual({ state: 'good', claim: one })
      expect(readLink(token, [NEW], one.expiresAtMs)).toEqual({ state: 'expired', claim: one })
    })
    fc.assert(law)
  })

  it('is worth nothing when any of it was changed, or somebody else signed it', () => {
    const token = signLink(claim, [NEW])
    const law = fc.property(
      fc.nat(token.length - 1),
      fc.base64String({ minLength: 1 }),
      (at, other) => {
        const [one = 'A'] = other
        const changed = token.slice(0, at) + one + token.slice(at + 1)
        const { state } = readLink(changed, [NEW], NOW_MS)
        expect(state).toBe(changed === token ? 'good' : 'forged')
      },
    )
    fc.assert(law, { numRuns: 500 })
    expect(readLink(signLink({ ...claim, action: 'open' }, [OLD]), [NEW], NOW_MS).state).toBe(
      'forged',
    )
    const [body] = token.split('.')
    const swapped = `${body}.${signLink({ ...claim, alert: 'al-2' }, [NEW]).split('.')[1]}`
    expect(readLink(swapped, [NEW], NOW_MS).state).toBe('forged')
    for (const text of ['', '.', 'a.b', 'x'.repeat(100_000), `${token}.more`, `${token} `]) {
      expect(readLink(text, [NEW], NOW_MS).state).toBe('forged')
    }
  })

  it('works with the secret before the newest one, while that is known', () => {
    const before = signLink(claim, [OLD])
    expect(readLink(before, [NEW, OLD], NOW_MS).state).toBe('good')
    expect(readLink(before, [NEW], NOW_MS).state).toBe('forged')
  })

  it('has forms of its own, for an hour', () => {
    const token = signLink(claim, [NEW])
    const form = signForm(token, NOW_MS + 10, [NEW])
    expect(isOwnForm(form, token, [NEW], NOW_MS)).toBe(true)
    expect(isOwnForm(form, token, [NEW], NOW_MS + 10)).toBe(false)
    expect(isOwnForm(form, `${token}x`, [NEW], NOW_MS)).toBe(false)
    expect(isOwnForm(form.replace(/^\d+/, '99999999999999'), token, [NEW], NOW_MS)).toBe(false)
    expect(isOwnForm('', token, [NEW], NOW_MS)).toBe(false)
  })
})

describe('links of a message', () => {
  const settings = { secrets: [NEW], publicUrl: 'https://bursar.example/ai/' }
  const kinds = (more: Parameters<typeof noticeOf>[1], facts = {}) =>
    actionLinks(
      noticeOf({ ...ACME, rule: 'projected-overrun', ...facts }, more),
      'channel ops',
      settings,
    ).map(({ kind }) => kind)

  it('offer what can be done, and nothing that cannot', () => {
    expect(kinds({})).toEqual(['approve', 'acknowledge', 'silence', 'dashboard'])
    expect(kinds({}, { effect: 'warns-only' })).not.toContain('approve')
    expect(kinds({ state: 'resolved' })).toEqual(['dashboard'])
    expect(kinds({ test: true })).toEqual([])
  })

  it('lead to the gateway, live for days, and name who got them', () => {
    const notice = noticeOf({ ...ACME, rule: 'projected-overrun' })
    const [approve] = actionLinks(notice, 'channel ops', settings)
    const url = new URL(approve?.href ?? '')
    expect(url.origin + url.pathname).toBe('https://bursar.example/ai/act')
    const read = readLink(url.searchParams.get('t') ?? '', [NEW], notice.atMs)
    expect(read).toMatchObject({
      state: 'good',
      claim: { alert: notice.thread, message: notice.id, recipient: 'channel ops' },
    })
    expect(read.state !== 'forged' && read.claim.expiresAtMs - notice.atMs).toBe(
      LINK_LIFE_MS.approve,
    )
    expect(linkSettings({ BURSAR_LINK_SECRET: `${NEW},${OLD}` })).toBeNull()
    expect(recipientOf([{ name: 'a', kind: 'email', to: ['x@y.z'] }], 'a')).toBe('x@y.z')
    expect(recipientOf([{ name: 'a', kind: 'email', to: ['x@y.z', 'u@y.z'] }], 'a')).toBe(
      'channel a',
    )
  })
})

const MARKUP = '"><script>alert(1)</script>'
const EVIL = `${MARKUP}\0<!-- {{x}} \u202e`
const sight: Sight = {
  ...{
    claim,
    title: 'company at 100%',
    severity: 'critical',
    state: 'open',
    stateBy: EVIL,
    why: EVIL,
  },
  ...{ stateAtMs: NOW_MS, silencedUntilMs: null, timezone: 'Europe/Berlin' },
  money: {
    ...{ budget: EVIL, window: EVIL, limitNano: 1e9, spentNano: 1e9, heldNano: 0, endMs: null },
    ...{ parked: { jobs: 3, mostNano: 5_500_000 }, neededNano: 5_500_000, mostNano: 1e9 },
    grants: [{ amountNano: 1, by: EVIL, reason: EVIL, atMs: 0, untilMs: null }],
    used: null,
  },
}
const proof = { token: EVIL, proof: EVIL }

describe('a page', () => {
  it('shows hostile names as they are, runs nothing and loads nothing', () => {
    const pages = LINK_ACTIONS.flatMap((action) => {
      const one = { ...sight, claim: { ...claim, action, recipient: EVIL } }
      return [
        confirmPage(one, proof, NOW_MS),
        confirmPage(one, proof, NOW_MS, EVIL, { reason: MARKUP, amount: MARKUP, for: MARKUP }),
        donePage(one, { by: EVIL, said: 'done' }),
      ]
    })
    for (const page of [...pages, problemPage('expired', { ...claim, recipient: EVIL })]) {
      const html = pageHtml(page)
      expect(html).not.toMatch(/<script|<img|<link|<iframe| on\w+=|javascript:|url\(/i)
      expect(html.replace(/<input type="hidden"[^>]*>/g, '')).not.toContain('\u202e')
      // A style in a tag would need to be allowed for all.
      expect(html).not.toMatch(/ style=/)
    }
  })

  it('offers what lets all that waits go on, in whole cents, and not more than a link may give', () => {
    const { form } = confirmPage(sight, proof, NOW_MS)
    const amount = form?.fields.find(({ name }) => name === 'amount')
    expect(amount).toMatchObject({ value: '0.01', offers: ['0.01', '0.10', '0.25', '0.50'] })
    expect(amount?.hint).toBe('$0.0055 lets 3 waiting jobs go on. At most $1 from here.')
    expect(form?.fields.map(({ name }) => name)).toEqual(['amount', 'for', 'reason'])
  })

  it('asks who it is, when several have the link', () => {
    const shared = { ...sight, claim: { ...claim, recipient: 'channel ops' } }
    expect(confirmPage(shared, proof, NOW_MS).form?.fields.at(-1)).toMatchObject({ name: 'who' })
  })

  it('asks nothing when there is nothing to do', () => {
    const used = { amountNano: 5, by: 'fred', reason: 'why', atMs: 0, untilMs: null }
    const again = confirmPage(
      { ...sight, money: sight.money && { ...sight.money, used } },
      proof,
      NOW_MS,
    )
    expect(again).toMatchObject({ status: 409, form: null })
    expect(confirmPage({ ...sight, money: null }, proof, NOW_MS)).toMatchObject({ status: 410 })
    const over = {
      ...sight,
      state: 'resolved' as const,
      claim: { ...claim, action: 'silence' as const },
    }
    expect(confirmPage(over, proof, NOW_MS).form).toBeNull()
  })

  it('says what to do when a link is of no use', () => {
    const problems: Problem[] = [
      'forged',
      'expired',
      'no-alert',
      'window-over',
      'no-links',
      'form-expired',
      'away',
    ]
    for (const problem of problems) {
      const { status, title, lead } = problemPage(problem)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(pageHtml(problemPage(problem))).toContain(title)
      expect(lead.length).toBeGreaterThan(40)
    }
  })
})
