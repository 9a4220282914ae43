import type { Server } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import type { Browser } from 'playwright-core'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { evaluateAlerts } from '../../jobs/evaluate-alerts.ts'
import { releaseParked } from '../../jobs/release-parked.ts'
import { openWindows } from '../../src/admission/plan/find-windows.ts'
import { listCredits } from '../../src/ledger/credits.ts'
import { alertNotices, audit } from '../../src/ledger/schema.ts'
import { startAlerts } from '../../workers/alerts.ts'
import { BROWSER_TIMEOUT_MS, launchBrowser } from '../helpers/browser.ts'
import { freePort } from '../helpers/services/server.ts'
import { type GatewayRig, startGatewayRig } from '../integration/gateway-rig.ts'
import { POLICY, until } from '../integration/queue-rig.ts'

const USD = 1_000_000_000
const SECRET = 'a-secret-of-links-that-is-long-enough'

/** A mail server that keeps what it is sent. */
async function startMailbox() {
  const mails: ParsedMail[] = []
  const smtp = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'] },
    onData(stream, _, done) {
      simpleParser(stream).then((mail) => {
        mails.push(mail)
        done()
      }, done)
    },
  })
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  return {
    mails,
    url: `smtp://127.0.0.1:${portOf(smtp.server)}`,
    close: () => new Promise<void>((resolve) => smtp.close(() => resolve())),
  }
}

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return address.port
}

const policyOf = (smtp: string) => `${POLICY.replace('usd: "2000"', 'usd: "1"')}
alerts:
  channels: { finance: { email: fred@acme.example } }
  email: { smtp: "${smtp}", from: "Bursar <bursar@acme.example>" }
`

let browser: Browser
let mailbox: Awaited<ReturnType<typeof startMailbox>>
let rig: GatewayRig
let alerts: ReturnType<typeof startAlerts>

beforeAll(async () => {
  browser = await launchBrowser()
}, BROWSER_TIMEOUT_MS)
afterAll(() => browser?.close())

/** A whole Bursar that sends to a mailbox of its own. */
async function start(embedded: boolean): Promise<void> {
  mailbox = await startMailbox()
  // Links are written before the gateway listens: its port has to be known.
  const port = await freePort()
  const env = {
    BURSAR_LINK_SECRET: SECRET,
    BURSAR_PUBLIC_URL: `http://127.0.0.1:${port}`,
  }
  rig = await startGatewayRig({ policy: policyOf(mailbox.url), env, embedded }, { port })
  alerts = startAlerts(rig.runtime)
}
afterEach(async () => {
  await alerts?.close()
  await rig?.close()
  await mailbox?.close()
})

/** Spends all that the company has, and says so to whoever listens. */
async function exhaust(): Promise<void> {
  const { store, rules } = rig.runtime
  const { policy } = rules.current()
  const [line] = openWindows(policy, 'company', Date.now())
  if (!line) throw new Error('company has a window')
  const offer = { outputPico: 0, capTokens: 0, floorTokens: 0, until: null, inputTokens: 0 }
  const reply = await store.admit({
    ...{ attempt: 'filler/1', job: 'filler', policy: policy.version, windows: [line] },
    rungs: [{ ...offer, gate: 'openai:filler', fixedNano: USD }],
    ...{ limits: [], cacheKey: null, maxTakes: 9, ttlMs: 600_000, meta: '' },
  })
  if (reply.outcome !== 'held') throw new Error('the whole budget was free')
  await store.settle({
    ...{ attempt: 'filler/1', job: 'filler', kind: 'settled', costNano: USD, holdNano: USD },
    ...{ atMs: reply.atMs, windows: [line.key], tokens: null, meta: '', detail: '' },
    ...{ conclusion: null, cache: null, gate: null },
  })
  await rig.drain()
}

const linkIn = (mail: ParsedMail | undefined, label: string): string => {
  const [, href = ''] = new RegExp(`${label}:\\s+(http\\S+)`).exec(mail?.text ?? '') ?? []
  return href
}

it.each([
  ['on servers', false],
  ['embedded', true],
])(
  '%s: a budget runs dry, work waits, the mail’s link grants more, work goes on, and the next mail says so',
  async (_, embedded) => {
    await start(embedded)
    await exhaust()
    const { jobId } = await rig.client.enqueue({
      ...{ user: 'u1', model: 'auto', cache: false, max_completion_tokens: 100 },
      ...{
        urgency: 'deferrable',
        messages: [{ role: 'user', content: 'a prompt of nobody else' }],
      },
    })
    await until(async () => (await rig.runtime.queues.batch.getDelayedCount()) > 0)
    await evaluateAlerts.run(rig.runtime)
    await until(async () => mailbox.mails.length > 0)
    const [first] = mailbox.mails
    expect(first?.subject).toBe('[CRITICAL] company monthly AI budget at 100% ($1 of $1)')
    expect(first?.text).toMatch(/1\s+job\s+waits\s+for\s+it/)
    expect(first?.text).toMatch(/Who can raise it\s+fred@acme\.example/)
    expect(`${first?.text}${first?.html}`).not.toContain('a prompt of nobody else')

    const page = await browser.newPage()
    await page.goto(linkIn(first, 'Acknowledge'))
    await page.getByRole('button', { name: 'I look after it' }).click()
    await page.getByText('Nobody is reminded of it any more').waitFor()
    await page.getByText('Somebody looks after it (fred@acme.example').waitFor()

    const href = linkIn(first, 'Approve more')
    const token = new URL(href).searchParams.get('t') ?? ''
    for (const proof of ['', `${Date.now() + 60_000}.forged`]) {
      const form = new URLSearchParams({ t: token, proof, amount: '0.75', reason: 'x', for: 'end' })
      const sent = await fetch(`${rig.url}/act`, { method: 'POST', body: form })
      expect(sent.status).toBe(400)
      expect(await sent.text()).toContain('Nothing was done')
    }
    await page.goto(href)
    await page.getByLabel('How much more, USD').fill('500')
    await page.getByLabel('Why').fill('launch week')
    // Whoever looks, and whatever looks beforehand, changes nothing.
    const looked = await fetch(href)
    expect(looked.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await looked.text()).toContain('1 waiting job')
    await page.getByRole('button', { name: 'Grant it' }).click()
    await page.getByText('From a link $1 is the most').waitFor()
    expect(await page.getByLabel('Why').inputValue()).toBe('launch week')

    await page.getByLabel('How much more, USD').fill('0.75')
    // Clicked, and sent twice more at the same moment.
    const proof = await page.locator('input[name=proof]').inputValue()
    const form = { t: token, proof, amount: '0.75', reason: 'launch week', for: 'end' }
    const body = () => ({ method: 'POST', body: new URLSearchParams(form) })
    const others = [fetch(`${rig.url}/act`, body()), fetch(`${rig.url}/act`, body())]
    await page.getByRole('button', { name: 'Grant it' }).click()
    for (const { status } of await Promise.all(others)) expect([200, 409]).toContain(status)
    await page.getByText('fred@acme.example granted $0.75').first().waitFor()
    await until(async () => (await releaseParked.run(rig.runtime)) !== undefined)
    await rig.client.result(jobId)

    await until(async () => mailbox.mails.length > 1)
    const next = mailbox.mails[1]
    expect(next?.subject).toBe('[RESOLVED] company monthly AI budget back at 57% ($1 of $1.75)')
    expect(next?.text).toContain('fred@acme.example granted $0.75')
    expect(next?.text).toContain('launch week')
    expect(next?.references).toEqual(first?.messageId)

    const changes = await rig.runtime.ledger.db.select().from(audit).orderBy(audit.id)
    const his = changes.filter(({ by }) => by === 'fred@acme.example')
    expect(new Set(his.map(({ action, step }) => `${action} ${step}`))).toEqual(
      new Set(['alerts-ack asked', 'alerts-ack done', 'budget-grant asked', 'budget-grant done']),
    )

    // Once for each message: the form again, the link again.
    await page.goto(href)
    await page.getByText('fred@acme.example granted $0.75').first().waitFor()
    expect(await page.getByRole('button').count()).toBe(0)
    const credits = await listCredits(rig.runtime.ledger, 'company', 10)
    expect(credits.map(({ amountNano }) => amountNano)).toEqual([0.75 * USD])

    expect(await rig.runtime.ledger.db.$count(alertNotices)).toBe(2)

    await page.goto(`${href}x`)
    await page.getByText('This link is not complete').waitFor()
    await page.close()
  },
  60_000,
)
