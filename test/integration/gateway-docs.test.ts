import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firstRequest } from '../../src/cli/start.ts'
import { ERROR_STATUS } from '../../src/gateway/error-status.ts'
import { childEnv } from '../helpers/child-env.ts'
import { readHouse } from '../unit/house-cli-words.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'

const api = readHouse('docs/api.md')
const commands = [...api.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

let rig: GatewayRig
beforeAll(async () => {
  rig = await startGatewayRig()
})
afterAll(() => rig.close())

async function sh(command: string): Promise<string> {
  const env = { ...childEnv(), BURSAR_URL: rig.url, NO_PROXY: '*' }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { env })
  return stdout
}

describe('docs/api.md', () => {
  it('shows commands that work, in their order', async () => {
    expect(commands).toHaveLength(10)
    const shown = await Promise.all(commands.slice(0, 1).map(sh))
    for (const command of commands.slice(1)) shown.push(await sh(command))
    const [answered, handed, polled, cancelled, streamed, events, quota, quote, parked, report] =
      shown
    expect(JSON.parse(answered ?? '')).toMatchObject({ status: 'ended', outcome: 'answered' })
    expect(JSON.parse(handed ?? '')).toMatchObject({ id: 'lesson-17', status: 'queued' })
    expect(JSON.parse(polled ?? '')).toMatchObject({ id: 'lesson-17', outcome: 'answered' })
    expect(JSON.parse(cancelled ?? '')).toEqual({ id: 'lesson-17', status: 'ended' })
    expect(streamed).toMatch(/^event: job\n[\s\S]*\nevent: part\n[\s\S]*\nevent: answer\n/)
    expect(events).toMatch(/^id: ended\nevent: ended\n/m)
    expect(JSON.parse(quota ?? '')).toMatchObject({ tier: 'basic' })
    expect(JSON.parse(quote ?? '')).toMatchObject({ served: true })
    expect(JSON.parse(parked ?? '')).toMatchObject({ jobs: [], total: { jobs: 0 } })
    expect(JSON.parse(report ?? '')).toMatchObject({ report: { groupBy: 'model' } })
  })

  it('shows an answer as it is', async () => {
    const [, example = ''] = /```json\n(.*"outcome".*)\n```/.exec(api) ?? []
    const { body } = await rig.post('/v1/jobs?wait=60s', {
      user: 'u42',
      model: 'auto',
      messages: [{ role: 'user', content: 'Explain recursion' }],
    })
    expect(Object.keys(body)).toEqual(Object.keys(JSON.parse(example)))
  })

  it('names every route that there is', async () => {
    const { body } = await rig.ask('/nowhere')
    for (const route of body.error.detail.routes) expect(api).toContain(route)
  })

  it.each(Object.entries(ERROR_STATUS))('tells the status of %s', (code, { status }) => {
    const row = api.split('\n').find((line) => line.startsWith(`| ${status} |`))
    expect(row?.split(/[ `]+/)).toContain(code)
  })
})

it('the line that start prints works as it is', async () => {
  expect(JSON.parse(await sh(`${firstRequest(rig.url)} -s`))).toMatchObject({ status: 'ended' })
})
