import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A copy of a message that arrived whole. `acked`: the sender was told so, in time. */
export interface Copy {
  readonly id: string
  acked: boolean
}

/** What a receiver does with a message. */
type Mood = 'accept' | 'refuse' | 'drop' | 'delay'

export interface Receivers {
  readonly copies: Readonly<Record<'mail' | 'slack' | 'hook', Copy[]>>
  readonly urls: Readonly<Record<'smtp' | 'slack' | 'hook', string>>
  /** Every instant at which the Slack hook was asked, ms. */
  readonly slackAsked: readonly number[]
  close(): Promise<void>
}

/** After so many bad moods it takes a message: nothing here is to fail for good. */
const MOST_MOODS = 4

/** An SMTP server, a Slack and a webhook receiver that drop, delay and refuse half of the time. @param delayMs - longer than senders wait. */
export async function startReceivers(random: () => number, delayMs: number): Promise<Receivers> {
  const copies = { mail: [] as Copy[], slack: [] as Copy[], hook: [] as Copy[] }
  const moods = new Map<string, number>()
  const slackAsked: number[] = []
  const moodFor = (id: string): Mood => {
    const had = moods.get(id) ?? 0
    moods.set(id, had + 1)
    const roll = random()
    if (had >= MOST_MOODS || roll < 0.5) return 'accept'
    return roll < 0.7 ? 'refuse' : roll < 0.85 ? 'drop' : 'delay'
  }
  const smtp = smtpServer(copies.mail, moodFor, delayMs)
  const smtpPort = await listening(smtp.server)
  const web = createServer((request, response) => {
    const isSlack = request.url === '/slack'
    if (isSlack) slackAsked.push(performance.now())
    let body = ''
    request.on('data', (part) => {
      body += part
    })
    request.on('end', () => {
      const id = isSlack ? idIn(body) : String(request.headers['webhook-id'])
      const mood = moodFor(`${request.url} ${id}`)
      if (mood === 'refuse') {
        response.writeHead(503).end()
        return
      }
      const copy = { id, acked: mood === 'accept' }
      ;(isSlack ? copies.slack : copies.hook).push(copy)
      if (mood === 'drop') request.socket.destroy()
      else if (mood === 'delay') setTimeout(() => response.end('ok'), delayMs)
      else response.end('ok')
    })
  })
  const webPort = await listening(web)
  return {
    copies,
    slackAsked,
    urls: {
      smtp: `smtp://127.0.0.1:${smtpPort}`,
      slack: `http://127.0.0.1:${webPort}/slack`,
      hook: `http://127.0.0.1:${webPort}/hook`,
    },
    async close() {
      web.closeAllConnections()
      await Promise.all([
        new Promise((done) => web.close(done)),
        new Promise((done) => smtp.close(() => done(undefined))),
      ])
    },
  }
}

function smtpServer(copies: Copy[], moodFor: (id: string) => Mood, delayMs: number): SMTPServer {
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'], logger: false },
    closeTimeout: 100,
    onData(stream, session, done) {
      let text = ''
      stream.on('data', (part) => {
        text += part
      })
      stream.on('end', () => {
        const id = /^Message-ID: <([^@>]+)@/im.exec(text)?.[1] ?? ''
        const mood = moodFor(`mail ${id}`)
        if (mood === 'refuse') {
          done(Object.assign(new Error('busy'), { responseCode: 451 }))
          return
        }
        copies.push({ id, acked: mood === 'accept' })
        if (mood === 'drop') cut(server, session.id)
        else if (mood === 'delay') setTimeout(() => done(), delayMs)
        else done()
      })
    },
  })
  server.on('error', () => {})
  return server
}

/** Ends a connection without a word. */
function cut(server: SMTPServer, id: string): void {
  for (const connection of server.connections) {
    if (connection.id === id) Reflect.get(connection, '_socket')?.destroy()
  }
}

const idIn = (body: string): string => /al-[0-9a-f]{20}-\d+/.exec(body)?.[0] ?? ''

function listening(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
}) {
  return new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
