import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { redisOf } from '../../src/runtime.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { ROLES, startRoles } from '../../workers/main.ts'
import { isEmbedded, type Rig, startRig, until } from './queue-rig.ts'

const Line = z.object({ level: z.int(), msg: z.string() })

let rig: Rig
afterEach(() => rig.close())

/** About what processes share; embedded there is one. */
const onRedis = isEmbedded ? () => {} : it

const ask = (content: string) => ({
  user: 'u',
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
})

it('one process with every role answers, drains into the ledger and closes clean', async () => {
  rig = await startRig({ workers: false, env: { BURSAR_PORT: '0' } })
  const signals = process.listenerCount('SIGTERM')
  const roles = await startRoles(ROLES, await rig.newRuntime())
  await Promise.all(['a', 'b', 'c'].map((text) => rig.client.run(ask(text))))
  await until(async () => (await outcomeCounts(rig.runtime.ledger)).answered === 3)
  expect((await fetch(`${roles.gatewayUrl}/ready`)).status).toBe(200)
  await roles.close()
  await roles.closed
  expect(process.listenerCount('SIGTERM')).toBe(signals)
  const { store, ledger } = await rig.reopen()
  expect(await compareCounters(store, ledger)).toMatchObject({ differing: [] })
})

it.each([
  ['before the first role runs', ''],
  ['while others still start', 'the gateway listens'],
])('a signal %s ends them all, and nothing runs over a closed runtime', async (_, line) => {
  const said: string[] = []
  // The handler of these roles alone: a test process has others.
  const signal = () => process.listeners('SIGTERM').at(-1)?.('SIGTERM')
  const write = (text: string) => {
    said.push(text)
    if (line !== '' && text.includes(line)) signal()
  }
  const logger = createLogger({ level: 'info', name: 'test', destination: { write } })
  rig = await startRig({ workers: false, env: { BURSAR_PORT: '0' }, overrides: { logger } })
  const starting = startRoles(ROLES, rig.runtime)
  if (line === '') signal()
  const { gatewayUrl, closed } = await starting
  await closed
  expect(gatewayUrl).toBeNull()
  const troubles = said
    .map((text) => Line.parse(JSON.parse(text)))
    .filter(({ level }) => level > 30)
  expect(troubles).toEqual([])
})

it('names a counter that the ledger does not explain', async () => {
  rig = await startRig()
  await rig.client.run(ask('a'))
  await rig.drain()
  const { store, ledger } = rig.runtime
  const other = {
    outbox: store.outbox,
    peek: async (keys: readonly string[]) =>
      (await store.peek(keys)).map(
        (state) => state && { ...state, spentNano: state.spentNano + 1 },
      ),
  }
  const compared = await compareCounters(other, ledger)
  expect(compared?.differing.map(({ key }) => key.split(':')[0]).toSorted()).toEqual([
    'company',
    'tier.basic/default/u',
  ])
})

onRedis(
  'two starts at once open one slot, and one that Redis lost is made again from the ledger',
  async () => {
    rig = await startRig({ workers: false })
    await Promise.all([rig.newRuntime(), rig.newRuntime()])
    expect((await rig.runtime.store.outbox.slot())?.epoch).toBe(1)
    await rig.startWorkers()
    await rig.client.run(ask('book something'))
    await rig.drain()
    await redisOf(rig.runtime).commands.del(`${rig.options.BURSAR_PREFIX}:slot`)
    const { store, ledger } = await rig.newRuntime()
    expect((await store.outbox.slot())?.epoch).toBe(2)
    const { spentNano } = [...(await windowTotals(ledger)).values()][0] ?? {}
    const windows = await store.peek(await store.windows())
    expect(windows.map((window) => window?.spentNano)).toEqual(windows.map(() => spentNano))
  },
)

onRedis('clients read the policy from the slot, without the keys of providers', async () => {
  rig = await startRig({ env: { OPENAI_API_KEY: 'sk-very-secret' } })
  const published = await redisOf(rig.runtime).commands.hgetall(
    `${rig.options.BURSAR_PREFIX}:policy`,
  )
  expect(published.version).toBe('1')
  expect(published.body).not.toContain('sk-very-secret')
  expect((await rig.newClient().quota({ user: 'rich' })).tier).toBe('premium')
})
