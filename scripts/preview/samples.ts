import type {
  BudgetFacts,
  DigestItem,
  Facts,
  Notice,
  NoticeLink,
  ReportFacts,
} from '../../src/alerts/notice.ts'

/** Sat 21 Nov 2026, 17:04 in Berlin: every message of the previews is made then. */
const NOW_MS = Date.parse('2026-11-21T16:04:00Z')
const DAY_MS = 86_400_000
const usd = (amount: number): number => Math.round(amount * 1_000_000_000)
const BERLIN = 'Europe/Berlin'

const START_MS = Date.parse('2026-10-31T23:00:00Z')
const END_MS = Date.parse('2026-11-30T23:00:00Z')

/** Money that goes faster on weekdays than on weekends, up to `spentUsd` now. */
function curveTo(spentUsd: number): NonNullable<BudgetFacts['curve']> {
  const days = Array.from({ length: 21 }, (_, at) => START_MS + at * DAY_MS)
  const weights = days.map((atMs) =>
    [0, 6].includes(new Date(atMs + DAY_MS / 2).getUTCDay()) ? 0.3 : 1,
  )
  const sum = weights.reduce((total, weight) => total + weight, 0)
  let part = 0
  const points = days.map((atMs, at) => {
    const spentNano = Math.round((part / sum) * spentUsd * 1e9)
    part += weights[at] ?? 0
    return { atMs, spentNano }
  })
  return [...points, { atMs: NOW_MS, spentNano: usd(spentUsd) }]
}

/** The budget that most previews are about. */
export const ACME: BudgetFacts = {
  ...{ budget: 'acme', window: '2026-11', per: 'month', timezone: BERLIN },
  ...{ startMs: START_MS, endMs: END_MS, timePercent: 70 },
  ...{ spentNano: usd(960), heldNano: usd(12.4), limitNano: usd(1_000), percent: 96 },
  outlook: {
    ...{ expectedNano: usd(1_380), lowNano: usd(1_210), highNano: usd(1_560) },
    runsDryAtMs: Date.parse('2026-11-22T13:20:00Z'),
  },
  drivers: [
    { kind: 'user', name: 'u42', costNano: usd(312.2) },
    { kind: 'tag', name: 'feature=tutor', costNano: usd(255.1) },
    { kind: 'user', name: 'u7', costNano: usd(140.4) },
    { kind: 'model', name: 'gpt-6-astra', costNano: usd(96.25) },
    { kind: 'user', name: 'nightly-import', costNano: usd(41.9) },
  ],
  effect: 'steps-down',
  parked: { jobs: 14, holdNano: usd(6.3) },
  raisers: ['finance@acme.example', 'cto@acme.example'],
  curve: curveTo(960),
}

const LINKS: readonly NoticeLink[] = [
  { kind: 'dashboard', label: 'Open', href: 'https://bursar.example/budgets/acme' },
  { kind: 'approve', label: 'Approve more', href: 'https://bursar.example/act/approve' },
  { kind: 'acknowledge', label: 'Acknowledge', href: 'https://bursar.example/act/acknowledge' },
  { kind: 'silence', label: 'Silence', href: 'https://bursar.example/act/silence' },
]

/** A notice of what was found; everything else as most have it. */
export function noticeOf(facts: Facts, more: Partial<Notice> = {}): Notice {
  return {
    ...{ id: 'a-01kakz1dx3v2mpgs-1', thread: 'a-01kakz1dx3v2mpgs', rule: facts.rule },
    ...{ severity: 'high', state: 'raised', scope: 'budget acme', tenant: 'acme' },
    ...{ window: '2026-11', threshold: 95, atMs: NOW_MS, timezone: BERLIN, test: false },
    ...{ facts, links: LINKS.filter(({ kind }) => kind !== 'approve'), ...more },
  }
}

const threshold = (facts: Partial<BudgetFacts> = {}): Facts => ({
  ...{ ...ACME, ...facts, rule: 'budget-threshold', marks: [95] },
})

const REPORT: ReportFacts = {
  ...{ every: 'weekly', fromMs: NOW_MS - 7 * DAY_MS, toMs: NOW_MS },
  ...{ costNano: usd(412.6), beforeNano: usd(368.1), requests: 18_412 },
  saved: [
    { how: 'cached', nano: usd(61.2) },
    { how: 'joined', nano: usd(4.05) },
    { how: 'stepped down', nano: usd(38.4) },
  ],
  budgets: [
    { ...pick(ACME), budget: 'acme' },
    {
      ...pick(ACME),
      budget: 'company',
      spentNano: usd(1_904),
      limitNano: usd(4_000),
      percent: 47,
      outlook: null,
    },
  ],
  byModel: [
    { name: 'gpt-6-astra', costNano: usd(260.1), beforeNano: usd(190), requests: 5_120 },
    { name: 'gpt-6-sol', costNano: usd(121.5), beforeNano: usd(148), requests: 9_210 },
    { name: 'gpt-6-luna', costNano: usd(31), beforeNano: usd(30.1), requests: 4_082 },
  ],
  byTenant: [
    { name: 'acme', costNano: usd(301), beforeNano: usd(255), requests: 12_001 },
    { name: 'globex', costNano: usd(111.6), beforeNano: usd(113.1), requests: 6_411 },
  ],
  byTag: {
    tag: 'feature',
    rows: [
      { name: 'tutor', costNano: usd(255.1), beforeNano: usd(201), requests: 9_004 },
      { name: 'search', costNano: usd(120), beforeNano: usd(130), requests: 7_120 },
      { name: '', costNano: usd(37.5), beforeNano: usd(37.1), requests: 2_288 },
    ],
  },
  days: [71, 68.2, 74.9, 80.1, 69.4, 24, 25].map((amount, at) => ({
    ...{ atMs: NOW_MS - (7 - at) * DAY_MS, costNano: usd(amount) },
  })),
}

function pick({ budget, window, spentNano, limitNano, percent, outlook }: BudgetFacts) {
  return { budget, window, spentNano, limitNano, percent, outlook }
}

const item = (facts: DigestItem['facts'], more: Partial<DigestItem> = {}): DigestItem => ({
  ...{ severity: 'medium', state: 'open', raisedAtMs: NOW_MS - DAY_MS / 3, scope: 'budget acme' },
  ...{ ...more, facts },
})

const MEASURED = {
  'limit-near': {
    ...{ rule: 'limit-near', limit: 'tpm', subject: 'acme', counts: 'tokens' },
    ...{ value: 92, threshold: 90, unit: 'percent', overMs: 60_000 },
  },
  'hit-rate': { rule: 'hit-rate', value: 12, threshold: 30, unit: 'percent', overMs: DAY_MS },
  'cached-latency': {
    ...{ rule: 'cached-latency', value: 180, threshold: 100, unit: 'ms', overMs: 300_000 },
  },
  'provider-errors': {
    ...{ rule: 'provider-errors', provider: 'openai' },
    ...{ value: 14, threshold: 5, unit: 'percent', overMs: 300_000 },
  },
  'queue-age': {
    ...{ rule: 'queue-age', queue: 'interactive' },
    ...{ value: 94_000, threshold: 30_000, unit: 'ms', overMs: null },
  },
  'redis-memory': { rule: 'redis-memory', value: 84, threshold: 80, unit: 'percent', overMs: null },
  connections: {
    ...{ rule: 'connections', server: 'postgres' },
    ...{ value: 92, threshold: 90, unit: 'percent', overMs: null },
  },
} as const satisfies Partial<Record<Facts['rule'], Facts>>

const BOOKS = {
  'unpriced-model': {
    rule: 'unpriced-model',
    model: 'gpt-7-nova',
    provider: 'openai',
    requests: 12,
  },
  'price-change': {
    ...{ rule: 'price-change', model: 'gpt-6-sol', provider: 'openai' },
    ...{ before: { input: '1.00', output: '8.00' }, after: { input: '1.25', output: '10.00' } },
    effectiveFromMs: Date.parse('2026-12-01T00:00:00Z'),
  },
  overrun: { rule: 'overrun', budget: 'acme', window: '2026-11', calls: 2, overNano: usd(0.4) },
  'ledger-difference': {
    ...{ rule: 'ledger-difference', budget: 'acme', window: '2026-11' },
    ...{ counterNano: usd(960.4), ledgerNano: usd(960) },
  },
  'unconfirmed-old': {
    ...{ rule: 'unconfirmed-old', entries: 14, costNano: usd(3.2) },
    oldestAtMs: NOW_MS - 9 * DAY_MS,
  },
  'delivery-failing': {
    ...{ rule: 'delivery-failing', channel: 'ops-slack', failed: 5, lastError: 'HTTP 500' },
  },
} as const satisfies Partial<Record<Facts['rule'], Facts>>

const isOver: Partial<Notice> = { state: 'resolved', links: LINKS.slice(0, 1) }
const granted = {
  ...{ limitNano: usd(1_350), percent: 71, effect: 'serves' },
  ...{
    parked: { jobs: 0, holdNano: 0 },
    outlook: ACME.outlook && { ...ACME.outlook, runsDryAtMs: null },
  },
  grants: [
    {
      ...{ amountNano: usd(350), by: 'finance@acme.example', reason: 'launch week' },
      ...{ atMs: NOW_MS - 600_000, untilMs: null },
    },
  ],
} as const satisfies Partial<BudgetFacts>

/** Every message in every state that looks different: file name -> notice. */
export const SAMPLES: Readonly<Record<string, Notice>> = {
  'threshold-medium': noticeOf(
    threshold({
      percent: 80,
      spentNano: usd(803),
      effect: 'serves',
      parked: null,
      curve: curveTo(803),
    }),
    { severity: 'medium', threshold: 80 },
  ),
  'threshold-critical': noticeOf(threshold(), { severity: 'critical', links: LINKS }),
  'threshold-exhausted': noticeOf(
    threshold({
      percent: 100,
      spentNano: usd(1_000),
      heldNano: 0,
      effect: 'refuses',
      curve: curveTo(1_000),
    }),
    { severity: 'critical', threshold: 100, state: 'escalated', links: LINKS },
  ),
  'threshold-reminder': noticeOf(threshold(), {
    severity: 'critical',
    state: 'reminder',
    links: LINKS,
  }),
  'threshold-resolved': noticeOf(threshold(granted), isOver),
  'threshold-bare': noticeOf(
    threshold({
      outlook: null,
      drivers: [],
      curve: [],
      parked: null,
      raisers: [],
      timePercent: null,
      endMs: null,
      per: 'lifetime',
    }),
    { links: [] },
  ),
  'threshold-test': noticeOf(threshold(), { severity: 'critical', test: true }),
  'projected-overrun': noticeOf({
    ...ACME,
    rule: 'projected-overrun',
    percent: 62,
    spentNano: usd(620),
    curve: curveTo(620),
  }),
  'burn-rate': noticeOf({ ...ACME, rule: 'burn-rate', hourNano: usd(42), usualNano: usd(10) }),
  ...Object.fromEntries(
    Object.entries({ ...MEASURED, ...BOOKS }).map(([name, facts]) => [
      ...([name, noticeOf(facts, { scope: name, tenant: null })] as const),
    ]),
  ),
  'provider-errors-resolved': noticeOf(MEASURED['provider-errors'], {
    ...isOver,
    scope: 'provider openai',
  }),
  digest: noticeOf(
    {
      ...{ rule: 'digest', every: 'daily', fromMs: NOW_MS - DAY_MS, toMs: NOW_MS, more: 3 },
      items: [
        item({ ...ACME, rule: 'budget-threshold', marks: [80], percent: 80, spentNano: usd(803) }),
        item(MEASURED['hit-rate'], { severity: 'low' }),
        item(MEASURED['provider-errors'], { state: 'resolved', severity: 'high' }),
        item(BOOKS['price-change'], { state: 'acknowledged', severity: 'low' }),
      ],
    },
    { state: 'digest', severity: 'low', links: LINKS.slice(0, 1) },
  ),
  'digest-empty': noticeOf(
    {
      rule: 'digest',
      every: 'weekly',
      fromMs: NOW_MS - 7 * DAY_MS,
      toMs: NOW_MS,
      items: [],
      more: 0,
    },
    { state: 'digest', severity: 'low', links: [] },
  ),
  'report-weekly': noticeOf(
    { ...REPORT, rule: 'report' },
    { state: 'digest', severity: 'low', scope: 'everything', links: LINKS.slice(0, 1) },
  ),
  'report-empty': noticeOf(
    {
      ...{
        ...REPORT,
        rule: 'report',
        every: 'monthly',
        costNano: 0,
        beforeNano: null,
        requests: 0,
      },
      ...{ saved: [], budgets: [], byModel: [], byTenant: [], byTag: null, days: [] },
    },
    { state: 'digest', severity: 'low', scope: 'everything', links: [] },
  ),
}
