import { randomUUID } from 'node:crypto'
import { type Bench, type BenchOptions, type Figures, round } from './bench.ts'
import { childAt } from './child-at.ts'
import { POLICY } from './governed-policy.ts'
import { type Load, load, percentile, type Target } from './load.ts'
import { installPortkey, removeInstalled, startPortkey } from './portkey.ts'
import { child, startWorkerHome } from './worker-home.ts'

const CONNECTIONS = 64
const ROUNDS = 5
const PATH = '/v1/chat/completions'

/** Tier `inline` is called for by the gateway itself. */
const BOTH_WAYS = POLICY.replace(
  'tiers:\n',
  'tiers:\n  inline: { budget: { usd: "900000", per: hour }, ladder: standard, execute: inline }\n',
)

/** Every request is another one, so that no cache answers. */
const question = (content: string) =>
  JSON.stringify({
    model: 'gpt-6-astra',
    user: `u${Math.floor(Math.random() * 1_000)}`,
    max_completion_tokens: 64,
    messages: [
      { role: 'system', content: 'You are a patient tutor.' },
      { role: 'user', content },
    ],
  })
const another = () => question(`Explain recursion to student ${randomUUID()}`)
const same = question('Explain recursion')

/** The gateway to be measured against, in front of the same provider. */
async function startRival(provider: string, { portkey, installs, note }: BenchOptions) {
  const installed = installs ? await installPortkey() : undefined
  const folder = portkey ?? installed
  if (folder === undefined) {
    note(
      'no Portkey: a plain undici reverse proxy is the yardstick (--portkey PATH, --install-portkey)',
    )
    const proxy = await childAt(child('proxy-child.js', [provider], {}))
    return { ...proxy, name: 'undici proxy', headers: {} }
  }
  const { url, stop } = await startPortkey(folder)
  const headers = {
    authorization: 'Bearer bench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': provider,
  }
  const end = async () => {
    await stop()
    if (installed) await removeInstalled(installed)
  }
  return { url, stop: end, name: 'portkey', headers }
}

/** Requests per second and latency of OpenAI's route: through queue, worker and ledger, inline, and from the cache. */
export const bench: Bench = async (options) => {
  const { seconds, note } = options
  const provider = await childAt(child('bare-provider-child.js', [], {}))
  const home = await startWorkerHome(
    { concurrency: CONNECTIONS, policy: BOTH_WAYS, provider: async () => provider },
    note,
  )
  const gateway = await childAt(child('gateway-child.js', [], { ...home.env, BURSAR_PORT: '0' }))
  const rival = await startRival(provider.url, options)
  try {
    const ours = { url: gateway.url, path: PATH }
    const targets: readonly Target[] = [
      { ...rival, path: PATH, body: another },
      { ...ours, name: 'queue', headers: {}, body: another },
      { ...ours, name: 'inline', headers: { 'x-bursar-tier': 'inline' }, body: another },
      { ...ours, name: 'cached', headers: { 'x-bursar-user': 'u1' }, body: () => same },
    ]
    note(`${CONNECTIONS} connections, ${seconds} s each in ${ROUNDS} turns`)
    return figuresOf(await inTurns(targets, seconds / ROUNDS), rival.name)
  } finally {
    await rival.stop()
    await gateway.stop()
    await home.stop()
  }
}

/** A B A B ..., so that a machine that slows down slows all of them; the first turn warms them up. */
async function inTurns(
  targets: readonly Target[],
  seconds: number,
): Promise<ReadonlyMap<string, readonly Load[]>> {
  const loads = new Map(targets.map(({ name }) => [name, [] as Load[]]))
  for (const target of targets) await load(target, { connections: CONNECTIONS, seconds })
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const target of targets) {
      loads.get(target.name)?.push(await load(target, { connections: CONNECTIONS, seconds }))
    }
  }
  return loads
}

function figuresOf(loads: ReadonlyMap<string, readonly Load[]>, rival: string): Figures {
  const rates = new Map([...loads].map(([name, all]) => [name, rateOf(all)]))
  const base = rates.get(rival) ?? Number.NaN
  const figures: Record<string, number | string> = { rival, connections: CONNECTIONS }
  for (const [name, all] of loads) {
    const took = all.flatMap(({ tookMs }) => tookMs)
    const rate = rates.get(name) ?? Number.NaN
    figures[`${name}PerSecond`] = round(rate, 0)
    figures[`${name}Ratio`] = round(rate / base, 2)
    figures[`${name}P50Ms`] = round(percentile(took, 0.5), 1)
    figures[`${name}P99Ms`] = round(percentile(took, 0.99), 1)
    figures[`${name}Failed`] = all.reduce((sum, { others }) => sum + countOf(others), 0)
  }
  return figures
}

const rateOf = (loads: readonly Load[]): number =>
  percentile(
    loads.map(({ tookMs, seconds }) => tookMs.length / seconds),
    0.5,
  )

const countOf = (others: ReadonlyMap<number, number>): number =>
  [...others.values()].reduce((sum, count) => sum + count, 0)
