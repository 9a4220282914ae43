import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { smtpSender } from '../../src/alerts/channels/smtp.ts'
import type { Sent } from '../../src/alerts/channels/types.ts'
import { plainRender } from '../../src/alerts/plain-text.ts'
import { sampleNotice } from '../../src/alerts/sample.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A mail server that wants a password. @returns how many connections and messages it had, and a way to send. */
async function startServer(options: SMTPServerOptions) {
  const seen = { connections: 0, messages: 0 }
  const server = new SMTPServer({
    ...{ disableReverseLookup: true, ...options },
    onConnect(_, done) {
      seen.connections += 1
      done()
    },
    onAuth({ username, password }, _, done) {
      const isRight = username === 'bursar' && password === 'right'
      done(isRight ? null : new Error('Invalid username or password'), { user: username })
    },
    onData(stream, _, done) {
      stream.resume().on('end', () => {
        seen.messages += 1
        done()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { port } = server.server.address() as AddressInfo
  return {
    seen,
    /** Sends so many messages through one sender. */
    async send(password: string, count = 1): Promise<Sent[]> {
      const value = `smtp://bursar:${password}@127.0.0.1:${port}`
      const sender = smtpSender(() => ({ smtp: { value, from: '' }, from: 'a@b.example' }), 5_000)
      closers.push(() => sender.close())
      const sent: Sent[] = []
      for (let n = 1; n <= count; n++) {
        const notice = sampleNotice(0, 'high', String(n))
        const channel = { name: 'mail', kind: 'email', to: ['c@d.example'] } as const
        sent.push(await sender.send(channel, { notice, rendered: plainRender(notice) }))
      }
      return sent
    },
  }
}

const PLAIN: SMTPServerOptions = { disabledCommands: ['STARTTLS'] }

describe('a mail server', () => {
  it('is told the password, and keeps its connection for the next message', async () => {
    const { seen, send } = await startServer(PLAIN)
    expect(await send('right', 3)).toEqual(Array(3).fill({ outcome: 'accepted', note: null }))
    expect(seen).toEqual({ connections: 1, messages: 3 })
  })

  it('that refuses the password has nothing, and is asked again later: somebody mends it', async () => {
    const { seen, send } = await startServer(PLAIN)
    expect(await send('wrong')).toEqual([{ outcome: 'refused', error: 'SMTP 535', forGood: false }])
    expect(seen.messages).toBe(0)
  })

  it('that cannot prove who it is gets neither password nor message', async () => {
    const asked: string[] = []
    // Its certificate is its own alone.
    const { seen, send } = await startServer({
      onSecure: (_socket, _session, done) => done(),
      onMailFrom(address, _, done) {
        asked.push(address.address)
        done()
      },
    })
    const [sent] = await send('right')
    expect(sent).toMatchObject({ outcome: 'refused', forGood: false })
    expect([seen.messages, asked]).toEqual([0, []])
  })
})
