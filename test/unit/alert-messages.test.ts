import { readFile } from 'node:fs/promises'
import { Resvg } from '@resvg/resvg-js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ACME, noticeOf, SAMPLES } from '../../scripts/preview/samples.ts'
import { LINK_ACTIONS, type LinkAction } from '../../src/alerts/actions/link.ts'
import { confirmPage, donePage } from '../../src/alerts/actions/pages.ts'
import type { Sight } from '../../src/alerts/actions/sight.ts'
import { rawMail } from '../../src/alerts/channels/files.ts'
import { payloadOf } from '../../src/alerts/channels/webhook.ts'
import type { Facts, Notice, Rendered } from '../../src/alerts/notice.ts'
import { plainRender } from '../../src/alerts/plain-text.ts'
import { reportCsv } from '../../src/alerts/reports/csv.ts'
import { LARGEST_HTML_BYTES, render } from '../../src/alerts/templates/render.ts'
import { SLACK_LIMITS } from '../../src/alerts/templates/slack.ts'
import { tellAlert } from '../../src/alerts/templates/stories/alert.ts'
import { clean, dollars, percent } from '../../src/alerts/templates/words.ts'

/** Every text object of a block, with what it may hold. */
function textsOf(block: unknown): { text: string; type: string }[] {
  if (Array.isArray(block)) return block.flatMap(textsOf)
  if (typeof block !== 'object' || block === null) return []
  const { type, text } = block as Record<string, unknown>
  const isText = type === 'plain_text' || type === 'mrkdwn'
  if (isText) return [{ type, text: String(text) }]
  return Object.values(block).flatMap(textsOf)
}

function expectWithinLimits({ subject, html, text, slack }: Rendered): void {
  expect(subject).not.toMatch(/[\r\n\0]/)
  expect([...subject].length).toBeLessThanOrEqual(160)
  expect(Buffer.byteLength(html)).toBeLessThanOrEqual(LARGEST_HTML_BYTES)
  expect(text.length).toBeLessThan(20_000)
  expect(slack.blocks.length).toBeLessThanOrEqual(SLACK_LIMITS.blocks)
  expect(slack.text.length).toBeLessThanOrEqual(SLACK_LIMITS.text)
  for (const block of slack.blocks) {
    const most = block.type === 'header' ? SLACK_LIMITS.header : SLACK_LIMITS.text
    for (const one of textsOf(block)) {
      expect(one.text.length).toBeGreaterThan(0)
      expect(one.text.length).toBeLessThanOrEqual(most)
    }
    const { fields = [], elements = [] } = block as { fields?: []; elements?: [] }
    expect(fields.length).toBeLessThanOrEqual(SLACK_LIMITS.fields)
    expect(elements.length).toBeLessThanOrEqual(SLACK_LIMITS.elements)
    for (const one of textsOf(fields))
      expect(one.text.length).toBeLessThanOrEqual(SLACK_LIMITS.field)
    if (block.type !== 'actions') continue
    for (const one of textsOf(elements))
      expect(one.text.length).toBeLessThanOrEqual(SLACK_LIMITS.button)
  }
}

// The first message loads React and the chart.
beforeAll(async () => void (await render(noticeOf({ ...ACME, rule: 'projected-overrun' }))))

describe('every message', () => {
  it.each(Object.entries(SAMPLES))('%s says what it said before', async (name, notice) => {
    const rendered = await render(notice)
    expectWithinLimits(rendered)
    const { subject, text, slack, attachments } = rendered
    const files = attachments.map(({ filename, cid }) => ({ filename, cid }))
    const shown = { subject, slack, files }
    const golden = `../golden/messages/${name}`
    await expect(`${JSON.stringify(shown, null, 2)}\n`).toMatchFileSnapshot(`${golden}.slack.txt`)
    await expect(text).toMatchFileSnapshot(`${golden}.txt`)
  })

  it('has the page that it had before, part by part', async () => {
    const { html } = await render(sample('threshold-critical'))
    const parts = html.replace(/<(?=[a-z/])/g, '\n<').trim()
    await expect(`${parts}\n`).toMatchFileSnapshot('../golden/messages/threshold-critical.html.txt')
  })

  it('draws the same picture from the same numbers, whatever fonts there are', async () => {
    const { attachments } = await render(sample('threshold-critical'))
    const before = await readFile(new URL('../golden/messages/chart.png', import.meta.url))
    const [was, is] = [before, attachments[0]?.content ?? before.subarray(0, 0)].map(pixelsOf)
    expect(is?.length).toBe(was?.length)
    const off = (is ?? []).filter((one, at) => Math.abs(one - (was?.[at] ?? 0)) > 16)
    // Other processors may round a pixel at the edge of a line otherwise.
    expect(off.length / (is?.length ?? 1)).toBeLessThan(0.000_5)
  })

  it('reads like the promise: what, how far, how much', async () => {
    expect((await render(sample('threshold-critical'))).subject).toBe(
      '[CRITICAL] acme monthly AI budget at 96% ($960 of $1,000)',
    )
  })
})

/** Red, green, blue and opacity of each pixel, 0 to 255. */
function pixelsOf(png: Uint8Array): number[] {
  const href = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
  const size = 'width="1072" height="280"'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><image href="${href}" ${size}/></svg>`
  return [...new Resvg(svg, { font: { loadSystemFonts: false } }).render().pixels]
}

function sample(name: string): Notice {
  const notice = SAMPLES[name]
  if (!notice) throw new Error(`there is a sample ${name}`)
  return notice
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '<!channel> <@U123> <https://evil.example|click>',
  '*bold* _it_ ~no~ `code` :skull:',
  'x'.repeat(10_000),
  '&'.repeat(10_000),
  '<'.repeat(10_000),
  '\u202eevil\u202c \u2066x',
  'שלום עולם',
  '👩‍👩‍👧‍👦'.repeat(500),
  `e${'\u0301'.repeat(9_000)}`,
  'nul\0byte\u001b[31m',
  '\ud800half',
  'line\r\nBcc: somebody@evil.example',
  '$(rm -rf /); `id`',
  'sk-proj-abcdefghijklmnopqrstuvwx',
  'Bearer abcdefghijklmnop.qrstuvwx',
  'aws_AKIAABCDEFGHIJKLMNOP ghp_abcdefghijklmnopqrst',
  'token=sk_live_abcdefghijklmnop eyJabcdefghijkl.eyJabcdefghijkl.mnop',
  '=cmd|"/C calc"!A1',
  '',
]
const anyName = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)
const nano = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat())
const USED = 'ZZPROMPTZZ'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNPRINTABLE = /[\0\u001b\u202a-\u202e\u2066\u2067]|[\ud800-\udbff](?![\udc00-\udfff])/

/** Facts with hostile names, and with what does not belong into them. */
const anyFacts: fc.Arbitrary<Facts> = fc.oneof(
  fc
    .record({
      ...{ budget: anyName, window: anyName, reason: anyName, by: anyName },
      ...{ spentNano: nano, heldNano: fc.nat(), limitNano: nano },
      percent: fc.nat(100_000),
      drivers: fc.array(
        fc.record({
          ...{ kind: fc.constantFrom('user' as const, 'tag' as const), name: anyName },
          costNano: nano,
        }),
        { maxLength: 5 },
      ),
      raisers: fc.array(anyName, { maxLength: 50 }),
      rule: fc.constantFrom('budget-threshold' as const, 'projected-overrun' as const),
    })
    .map(({ reason, by, ...more }) => ({
      ...{ ...ACME, ...more, marks: [50], prompt: USED, messages: [{ content: USED }] },
      grants: [{ amountNano: 1, by, reason, atMs: 0, untilMs: null }],
    })),
  fc
    .record({ channel: anyName, lastError: anyName, failed: fc.nat() })
    .map((more) => ({ ...more, rule: 'delivery-failing' as const })),
  fc
    .record({ model: anyName, provider: anyName, requests: fc.nat() })
    .map((more) => ({ ...more, rule: 'unpriced-model' as const })),
  fc.record({ limit: anyName, subject: anyName, value: fc.nat(200) }).map((more) => ({
    ...{ ...more, rule: 'limit-near' as const, counts: 'tokens' as const },
    ...{ threshold: 90, unit: 'percent' as const, overMs: 60_000 },
  })),
  fc
    .array(fc.record({ name: anyName, costNano: nano, beforeNano: nano, requests: fc.nat() }), {
      maxLength: 50,
    })
    .map((rows) => ({
      ...{ rule: 'report' as const, every: 'weekly' as const, fromMs: 0, toMs: 7 * 86_400_000 },
      ...{ costNano: 5, beforeNano: null, requests: 3, saved: [], budgets: [], days: [] },
      ...{ byModel: rows, byTenant: rows, byTag: { tag: rows[0]?.name ?? '', rows } },
    })),
)

/** Facts in which everything that others may name has that name. */
function renamed<Whole>(facts: Whole, name: string): Whole {
  const one = (key: string, value: unknown): unknown => {
    if (typeof value === 'string') return NAMES.has(key) ? name : value
    if (Array.isArray(value)) return value.map((item) => one(key, item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([inner, item]) => [inner, one(inner, item)]),
    )
  }
  return one('', facts) as Whole
}
const NAMES: ReadonlySet<string> = new Set([
  ...[
    'budget',
    'window',
    'name',
    'by',
    'reason',
    'raisers',
    'limit',
    'subject',
    'model',
    'provider',
  ],
  ...['channel', 'lastError', 'queue', 'scope', 'how', 'tag', 'input', 'output'],
])

const KEYS = /ZZPROMPTZZ|(sk|pk)[-_](proj|live)[-_]abc|Bearer abcdef|AKIAABCD|ghp_abcd|eyJabcd/
const RUNS_SOMETHING = /<script|<img src=x|onerror=alert\(1\)>|javascript:/i

function expectHarmless(rendered: Rendered): void {
  expectWithinLimits(rendered)
  const { html, text, slack, subject } = rendered
  expect(html).not.toMatch(RUNS_SOMETHING)
  for (const said of [html, text, subject, JSON.stringify(slack)]) {
    expect(said).not.toMatch(KEYS)
    expect(said).not.toMatch(UNPRINTABLE)
  }
  for (const { text: said, type } of textsOf(slack.blocks)) {
    expect(type).toBe('plain_text')
    expect(said).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/)
  }
  expect(slack.text).not.toMatch(/[<>]/)
}

/** No name has become a header. */
function expectHarmlessMail(raw: string): void {
  const [head = ''] = raw.split('\r\n\r\n')
  const names = [...head.matchAll(/^([\w-]+):/gm)].map(([, name = '']) => name.toLowerCase())
  const ours = ['from', 'to', 'subject', 'message-id', 'date', 'in-reply-to', 'references']
  const more = ['x-bursar-alert', 'x-bursar-severity', 'auto-submitted', 'mime-version']
  expect([...ours, ...more, 'content-type', 'content-transfer-encoding']).toEqual(
    expect.arrayContaining(names),
  )
}

/** A link to whatever is called so. */
const sightOf = (action: LinkAction, one: string, other: string): Sight => ({
  claim: { action, alert: 'al', message: 'al-1', recipient: other, expiresAtMs: 1 },
  ...{
    title: tellAlert(
      renamed({ ...ACME, rule: 'burn-rate', hourNano: 1, usualNano: 1 }, one),
      'raised',
      'UTC',
    ).title,
  },
  ...{ severity: 'high', state: 'acknowledged', stateBy: one, stateAtMs: 0, why: other },
  ...{ silencedUntilMs: null, timezone: 'UTC' },
  money: {
    ...{ budget: one, window: other, limitNano: 1e9, spentNano: 1e9, heldNano: 0, endMs: null },
    ...{ parked: { jobs: 3, mostNano: 5 }, neededNano: 5, mostNano: 1e9, used: null },
    grants: [{ amountNano: 1, by: one, reason: other, atMs: 0, untilMs: null }],
  },
})

const RUNS = Number(process.env.MESSAGE_RUNS ?? 40)

describe('a message whose names are hostile', () => {
  it('renders within limits, escaped, and carries neither a prompt nor a key', async () => {
    const law = fc.asyncProperty(
      anyFacts,
      anyName,
      fc.constantFrom('raised', 'resolved', 'digest'),
      async (facts, other, state) => {
        const notice = noticeOf(facts, {
          ...{ scope: other, tenant: other, state: state as Notice['state'] },
          links: [
            {
              kind: 'dashboard',
              label: other,
              href: 'https://bursar.example/',
            },
            { kind: 'docs', label: other, href: `javascript:alert('${other}')` },
          ],
        })
        expectHarmless(await render(notice))
      },
    )
    await fc.assert(law, {
      numRuns: RUNS,
      interruptAfterTimeLimit: 20_000,
    })
  })

  it('is harmless whatever it tells, as e-mail and as Slack message', async () => {
    const law = fc.asyncProperty(
      fc.constantFrom(...Object.values(SAMPLES)),
      anyName,
      async (...drawn) => {
        const [like, name] = drawn
        const notice: Notice = {
          ...like,
          scope: name,
          tenant: name,
          facts: renamed(like.facts, name),
        }
        const rendered = await render(notice)
        expectHarmless(rendered)
        expectHarmlessMail(
          String(await rawMail({ notice, rendered }, 'a@b.example', ['c@d.example'])),
        )
      },
    )
    await fc.assert(law, { numRuns: RUNS, interruptAfterTimeLimit: 20_000 })
  })

  it('is harmless to programs: webhooks, files of reports, and what goes out when templates fail', () => {
    for (const like of Object.values(SAMPLES)) {
      for (const name of HOSTILE) {
        const facts = renamed(like.facts, name)
        const notice: Notice = { ...like, scope: name, tenant: name, facts }
        const rendered = plainRender(notice)
        expectHarmless(rendered)
        const hook = JSON.stringify(payloadOf({ notice, rendered }))
        expect(hook).not.toMatch(KEYS)
        expect(Buffer.byteLength(hook)).toBeLessThan(LARGEST_HTML_BYTES)
        if (facts.rule !== 'report') continue
        const csv = reportCsv(facts)
        expect(csv).not.toMatch(KEYS)
        for (const cell of csv.split(/[,\r\n]+/)) expect(cell).not.toMatch(/^"?[=+@]/)
      }
    }
  })

  it('is a page that runs nothing, however it is called', async () => {
    const { pageHtml } = await import('../../src/alerts/actions/page.tsx')
    const law = fc.property(
      fc.constantFrom(...LINK_ACTIONS),
      anyName,
      anyName,
      (action, one, other) => {
        const sight = sightOf(action, one, other)
        const proof = { token: 'token', proof: 'proof' }
        const pages = [
          confirmPage(sight, proof, 0),
          confirmPage(sight, proof, 0, other, { reason: one, who: other, amount: one }),
          donePage(sight, { by: one, said: 'done' }),
        ]
        for (const page of pages) {
          const html = pageHtml({ ...page, form: null })
          expect(Buffer.byteLength(html)).toBeLessThan(LARGEST_HTML_BYTES)
          expect(html).not.toMatch(RUNS_SOMETHING)
          expect(html).not.toMatch(KEYS)
          expect(html.replaceAll(/[\r\n]/g, '')).not.toMatch(UNPRINTABLE)
        }
      },
    )
    fc.assert(law, { numRuns: RUNS })
  })

  it('keeps what is harmless as it is', () => {
    expect(clean('feature=tutor')).toBe('feature=tutor')
    expect(clean('Müller & Söhne <gmbh>')).toBe('Müller & Söhne <gmbh>')
    expect(clean('a\0b\u202ec\nd')).toBe('a bc d')
    expect([...clean('👩‍👩‍👧‍👦'.repeat(40))].length).toBeLessThanOrEqual(60)
  })
})

it('writes amounts as people do', () => {
  const usd = 1_000_000_000
  expect(
    [0, 960 * usd, 1_234.5 * usd, 12.5 * usd, 0.4 * usd, 4_200_000, 1, -5 * usd].map(dollars),
  ).toEqual([...['$0', '$960', '$1,235', '$12.50', '$0.40', '$0.0042', '<$0.000001', '-$5']])
  expect([96, 0.4, 1_204].map(percent)).toEqual(['96%', '0.4%', '1,204%'])
})
