import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient, type StreamPart } from '../../src/client/index.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'

let rig: GatewayRig
let folder: string
const clients: Record<string, Client> = {}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-gateway-'))
  const socketPath = join(folder, 'bursar.sock')
  rig = await startGatewayRig({}, { socketPath })
  clients['over HTTP'] = createClient({ url: rig.url })
  clients['over a unix socket'] = createClient({ url: `unix:${socketPath}` })
})
afterAll(async () => {
  for (const client of Object.values(clients)) await client.close()
  await rig.close()
  await rm(folder, { recursive: true })
})

const ask = (content: string, more: object = {}) => ({
  user: 'u42',
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
  ...more,
})

/** What differs from one run of a request to the next: who it was, and what is left after the others. */
const comparable = <T extends { receipt: object }>({ receipt, ...rest }: T) => ({
  ...rest,
  receipt: { ...receipt, jobId: '', attemptId: '', left: '', budgets: [] },
})

describe.each(['over HTTP', 'over a unix socket'])('a client %s', (way) => {
  const client = () => clients[way] as Client

  it('gives the answer and receipt that the client in Redis gives', async () => {
    const request = ask(`Compare ${way}`, { cache: false, tags: { feature: 'tutor' } })
    const direct = await rig.client.run(request)
    const through = await client().run(request)
    expect(Object.keys(through)).toEqual(Object.keys(direct))
    expect(Object.keys(through.receipt)).toEqual(Object.keys(direct.receipt))
    const { receipt } = through
    expect(receipt.budgets.map(({ budget }) => budget)).toEqual(
      direct.receipt.budgets.map(({ budget }) => budget),
    )
    const [one, other] = [comparable(through), comparable(direct)]
    expect({ ...one, response: { ...one.response, id: '', created: 0 } }).toEqual({
      ...other,
      response: { ...other.response, id: '', created: 0 },
    })
    expect(await client().result(receipt.jobId)).toEqual(through)
    expect(await rig.client.result(receipt.jobId)).toEqual(through)
  })

  it('streams the pieces of the answer that it returns in the end', async () => {
    const stream = client().stream(ask(`Stream ${way}`))
    const pieces: StreamPart[] = []
    for await (const piece of stream) pieces.push(piece)
    const final = await stream.final
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.map(({ text }) => text).join('')).toBe(final.text)
    expect(final.receipt.jobId).toBe(await stream.jobId)
  })

  it('hands a job in, finds its result, and says quota and quote as the other client does', async () => {
    const { jobId, status } = await client().enqueue(ask(`Later ${way}`))
    expect(status).toBe('queued')
    const answer = await client().result(jobId)
    expect(answer.receipt.jobId).toBe(jobId)
    expect(await client().enqueue(ask(`Later ${way}`, { jobId }))).toEqual({
      jobId,
      status: 'ended',
    })
    const who = { user: 'somebody', tags: { feature: 'a=b' } }
    expect(await client().quota(who)).toEqual(await rig.client.quota(who))
    const request = ask('How much?')
    expect(await client().quote(request)).toEqual(await rig.client.quote(request))
  })

  it.for([
    ['no user', { model: 'auto', messages: [] }],
    ['no messages', { user: 'u', model: 'auto', messages: [] }],
    ['bare input', { user: 'u', model: 'auto', input: 'x' }],
    ['a tier', { ...ask('x'), tier: 'gold' }],
    ['a model', { ...ask('x'), model: 'nope' }],
    ['a size', ask('x'.repeat(2e6))],
    ['a stream flag', { ...ask('x'), stream: true }],
    ['a job id', { ...ask('x'), jobId: 'a b' }],
    ['no object', 'hello'],
    ['nothing', null],
  ] as const)('refuses a request with %s in the same words', async ([, request]) => {
    const bad = request as unknown as Parameters<Client['run']>[0]
    const failure = (run: Promise<unknown>) =>
      run.then(
        () => expect.unreachable(),
        ({ code, message, retryable, detail }) => ({ code, message, retryable, detail }),
      )
    expect(await failure(client().run(bad))).toEqual(await failure(rig.client.run(bad)))
    expect(await failure(client().quote(bad))).toEqual(await failure(rig.client.quote(bad)))
  })
})
