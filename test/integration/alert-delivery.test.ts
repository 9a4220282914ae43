import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { simpleParser } from 'mailparser'
import { pino } from 'pino'
import { describe, expect } from 'vitest'
import { assertSigned } from '../../src/access/webhook-signature.ts'
import { createSenders } from '../../src/alerts/channels/senders.ts'
import { type DeliverParts, deliver } from '../../src/alerts/delivery/deliver.ts'
import { takeTurn } from '../../src/alerts/delivery/turn.ts'
import { listDeliveries, triesOf } from '../../src/alerts/list.ts'
import { FILES } from '../../src/alerts/routes.ts'
import { sampleNotice } from '../../src/alerts/sample.ts'
import { postNotice } from '../../src/alerts/tell.ts'
import { render } from '../../src/alerts/templates/render.ts'
import type { AlertPolicy, ChannelPolicy } from '../../src/config/alert-types.ts'
import { usualAlerts } from '../../src/config/policy-alerts-build.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { ledgerTest } from '../helpers/ledgers.ts'

const HUSH = 'hush-'.repeat(8)
const secret = (value: string) => ({ value, from: '' })

interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface World {
  readonly asked: Asked[]
  readonly folder: string
  readonly log: string[]
  /** Answers of the receiver, by path; absent = 200. */
  readonly status: Map<string, number>
  channel(name: string): ChannelPolicy
  parts(ledger: Ledger, channels: AlertPolicy['channels']): DeliverParts
}

const worldTest = ledgerTest.extend<{ world: World }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  world: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'alerts-'))
    const [asked, log, status]: [Asked[], string[], Map<string, number>] = [[], [], new Map()]
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        const path = request.url ?? ''
        asked.push({ path, headers: request.headers, body })
        response.writeHead(status.get(path) ?? 200).end('ok')
      })
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const sink = new Writable({
      write(line: Buffer, _encoding, done) {
        log.push(line.toString())
        done()
      },
    })
    const known: Record<string, ChannelPolicy> = {
      team: { name: 'team', kind: 'slack', hook: secret(`${url}/${HUSH}`) },
      hook: { name: 'hook', kind: 'webhook', url: `${url}/hook`, secrets: [secret(HUSH)] },
    }
    await use({
      ...{ asked, folder, log, status },
      channel: (name) => known[name] ?? FILES,
      parts(ledger, channels) {
        const policy = () => ({ ...usualAlerts(), channels })
        return {
          ...{ ledger, policy, render, now: () => 1_000, process: 'p', claimMs: 5_000 },
          senders: createSenders({ policy, folder, limitMs: 2_000 }),
          logger: pino({ level: 'debug' }, sink),
        }
      },
    })
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    await rm(folder, { recursive: true })
  },
})

const NOTICE = sampleNotice(Date.UTC(2026, 10, 21), 'high', 'x')

async function post(ledger: Ledger, ...to: string[]): Promise<void> {
  await ledger.transaction((tx) => postNotice(tx, NOTICE, null, { to, dueAtMs: 0 }))
}
const idOf = (channel: string) => `${NOTICE.id}.${channel}`

describe('one delivery', () => {
  worldTest(
    'without a mail server is a file that mail programs read',
    async ({ ledger, world }) => {
      await post(ledger, 'files')
      const parts = world.parts(ledger, [])
      expect(await deliver(idOf('files'), parts)).toEqual({ state: 'sent' })
      expect(await deliver(idOf('files'), parts)).toEqual({ state: 'over' })
      const files = ['eml', 'html', 'slack.json'].map((kind) => `${NOTICE.id}.${kind}`)
      expect(await readdir(world.folder)).toEqual(files)
      const mail = await simpleParser(await readFile(join(world.folder, `${NOTICE.id}.eml`)))
      expect(mail.messageId).toBe(`<${NOTICE.id}@localhost>`)
      expect(mail.subject).toContain('acme')
      expect(mail.text).toContain('$960')
      expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(['image/png'])
    },
  )

  worldTest('to a webhook is signed, under its id', async ({ ledger, world }) => {
    await post(ledger, 'hook')
    await deliver(idOf('hook'), world.parts(ledger, [world.channel('hook')]))
    const [{ headers, body }] = world.asked as [Asked]
    const signed = {
      ...{ id: String(headers['webhook-id']), body },
      timestamp: String(headers['webhook-timestamp']),
      signatures: String(headers['webhook-signature']),
    }
    expect(signed.id).toBe(NOTICE.id)
    expect(() => assertSigned(signed, [HUSH], Date.now())).not.toThrow()
    expect(JSON.parse(body)).toMatchObject({ type: 'alert.raised', data: { rule: NOTICE.rule } })
  })

  worldTest(
    'that is refused is tried again, each try on record, no secret in the log',
    async ({ ledger, world }) => {
      await post(ledger, 'team')
      const parts = world.parts(ledger, [world.channel('team')])
      world.status.set(`/${HUSH}`, 503)
      expect((await deliver(idOf('team'), parts)).state).toBe('again')
      world.status.clear()
      await ledger.db.execute(`delete from alert_marks`)
      expect((await deliver(idOf('team'), parts)).state).toBe('sent')
      const tries = await triesOf(ledger, [idOf('team')])
      expect(tries.map(({ outcome, error }) => [outcome, error])).toEqual([
        ['refused', 'HTTP 503'],
        ['accepted', null],
      ])
      expect(world.asked.every(({ body }) => body.includes(NOTICE.id))).toBe(true)
      expect(world.log.join()).not.toContain('hush')
    },
  )

  worldTest('that fails for good goes through another channel', async ({ ledger, world }) => {
    await post(ledger, 'hook')
    const parts = world.parts(ledger, [world.channel('hook'), world.channel('team')])
    world.status.set('/hook', 410)
    expect(await deliver(idOf('hook'), parts)).toEqual({ state: 'failed', through: 'team' })
    expect(await deliver(idOf('team'), parts)).toEqual({ state: 'sent' })
    const rows = await listDeliveries(ledger, {}, 10)
    expect(rows.map(({ channel, state, insteadOf }) => [channel, state, insteadOf])).toEqual(
      expect.arrayContaining([
        ['hook', 'failed', null],
        ['team', 'sent', idOf('hook')],
      ]),
    )
  })

  worldTest('is in the hands of one, however many reach for it', async ({ ledger, world }) => {
    await post(ledger, 'hook')
    const parts = world.parts(ledger, [world.channel('hook')])
    const all = await Promise.all(Array.from({ length: 8 }, () => deliver(idOf('hook'), parts)))
    expect(all.filter(({ state }) => state === 'sent')).toHaveLength(1)
    expect(world.asked).toHaveLength(1)
  })

  worldTest('goes out plain when it cannot be laid out', async ({ ledger, world }) => {
    await post(ledger, 'hook')
    const parts = world.parts(ledger, [world.channel('hook')])
    const broken = async () => {
      throw new Error('no layout')
    }
    expect(await deliver(idOf('hook'), { ...parts, render: broken })).toEqual({ state: 'sent' })
    expect(world.asked[0]?.body).toContain('Spent 960.00')
  })

  worldTest('to one Slack hook waits its turn: a second each', async ({ ledger }) => {
    const line = 'hook'
    for (const n of [1, 2, 3]) {
      const notice = { ...NOTICE, id: `n${n}` }
      await ledger.transaction((tx) => postNotice(tx, notice, null, { to: ['team'], dueAtMs: 0 }))
    }
    const turns = await Promise.all([1, 2, 3].map((n) => takeTurn(ledger, `n${n}.team`, line)))
    const waits = turns.toSorted((a, b) => a - b)
    expect(waits[0]).toBe(0)
    expect(waits[1]).toBeGreaterThan(500)
    expect(waits[2]).toBeGreaterThan(1_500)
  })
})
