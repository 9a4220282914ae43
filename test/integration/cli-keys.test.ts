import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readKeyText } from '../../src/access/key-text.ts'
import { keysCreate, keysList } from '../../src/admin/keys.ts'
import { type EmbeddedForCli, startEmbeddedForCli } from './cli-embedded.ts'
import { bursar, type Env } from './cli-harness.ts'
import { type Rig, startRig } from './queue-rig.ts'

let rig: Rig
let running: EmbeddedForCli
let admin: string
beforeAll(async () => {
  rig = await startRig({ workers: false })
  running = await startEmbeddedForCli(rig)
  const made = await bursar(['keys', 'create', '--role', 'admin', '--json'], running.env)
  admin = keysCreate.output.parse(JSON.parse(made.stdout)).apiKey
})
afterAll(async () => {
  await running.close()
  await rig.close()
})

/** Where a command line may find a Bursar. */
const WAYS: readonly (readonly [name: string, env: () => Env])[] = [
  ['on the servers of a company', () => rig.env],
  ['beside a running embedded process, through its socket', () => running.env],
  [
    'over HTTP, with the key of an admin',
    () => ({ BURSAR_URL: running.url, BURSAR_API_KEY: admin }),
  ],
]

describe.each(WAYS)('bursar keys %s', (_, env) => {
  const run = (...words: string[]) => bursar(['keys', ...words], env())
  const listed = async (...flags: string[]) => {
    const { stdout } = await run('list', '--json', '--tenant', 'acme', ...flags)
    return keysList.output.parse(JSON.parse(stdout)).keys
  }

  test('makes, lists, rotates and revokes, and shows a secret once', async () => {
    const words = ['--tenant', 'acme', '--user', 'u1', '--tier', 'premium', '--expires', '90d']
    const made = await run('create', ...words, '--models', 'gpt-6-sol, gpt-6-luna', '--name', 'web')
    expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/not shown again/) })
    const secret = made.stdout.trim()
    const read = readKeyText(secret)
    if (read.is !== 'key') throw new Error(`no key: ${made.stdout}`)
    const { id } = read

    const [key] = await listed()
    expect(key).toMatchObject({
      ...{ id, name: 'web', role: 'app', state: 'active' },
      ...{ tenant: 'acme', user: 'u1', tier: 'premium', models: ['gpt-6-sol', 'gpt-6-luna'] },
      ...{ revokedAt: null, rotatedAt: null, lastUsedAt: null },
    })
    const lifeMs = Date.parse(key?.expiresAt ?? '') - Date.parse(key?.createdAt ?? '')
    expect(lifeMs).toBe(90 * 86_400_000)

    const rotated = await run('rotate', id, '--grace', '1h')
    expect(rotated.code).toBe(0)
    expect(readKeyText(rotated.stdout.trim())).toMatchObject({ is: 'key', id })
    const [after] = await listed()
    const graceMs = Date.parse(after?.formerUntil ?? '') - Date.parse(after?.rotatedAt ?? '')
    expect(graceMs).toBe(3_600_000)

    const revoked = await run('revoke', id)
    expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining(`key ${id} (web)`) })
    expect(await listed()).toEqual([])
    const all = await run('list', '--all', '--tenant', 'acme')
    expect(all.stdout).toMatch(new RegExp(`${id} +web +revoked +app +acme`))
    expect((await listed('--all'))[0]).toMatchObject({ id, state: 'revoked' })
    const printed = [
      rotated.stderr,
      revoked.stdout,
      all.stdout,
      JSON.stringify(await listed('--all')),
    ]
    for (const text of [secret, rotated.stdout.trim()]) {
      expect(printed.join()).not.toContain(text.slice(23))
    }
  })

  test.each([
    [['create'], 'INVALID_REQUEST', /tenant: acme/],
    [['create', '--role', 'viewer', '--tenant', 'acme'], 'INVALID_REQUEST', /every tenant/],
    [['create', '--tenant', 'acme', '--models', 'auto'], 'INVALID_REQUEST', /'auto' is no model/],
    [['create', '--tenant', 'acme', '--tier', 'gold'], 'UNKNOWN_TIER', /basic, premium/],
    [['create', '--tenant', 'acme', '--role', 'boss'], 'INVALID_ARGUMENT', /app, viewer/],
    [['create', '--tenant', 'acme', '--expires', 'soon'], 'INVALID_ARGUMENT', /90d/],
    [['rotate', '000000000000'], 'UNKNOWN_KEY', /keys list --all/],
    [['rotate', '000000000000', '--grace', '31d'], 'INVALID_REQUEST', /graceSeconds/],
    [['revoke', 'sk-bursar-000000000000_abc'], 'INVALID_REQUEST', /keys list/],
    [['revoke', '000000000000'], 'UNKNOWN_KEY', /000000000000/],
  ])('refuses %o as %s', async (words, code, message) => {
    const ran = await run(...words)
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain(code)
    expect(ran.stderr).toMatch(message)
  })
})

test('over HTTP, a key that is missing or too weak is told so', async () => {
  const words = ['keys', 'create', '--tenant', 'acme', '--json']
  const made = await bursar(words, running.env)
  const { apiKey } = keysCreate.output.parse(JSON.parse(made.stdout))
  const list = (more: Env) => bursar(['keys', 'list'], { BURSAR_URL: running.url, ...more })
  expect((await list({})).stderr).toContain('INVALID_API_KEY')
  expect((await list({ BURSAR_API_KEY: apiKey })).stderr).toContain('ACCESS_DENIED')
})
