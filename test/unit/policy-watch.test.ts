import { EventEmitter, once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadPolicy } from '../../src/config/policy.ts'
import type { Policy } from '../../src/config/policy-types.ts'
import { type PolicyWatch, watchPolicy } from '../../src/config/policy-watch.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const context = { env: {}, prices: createPriceBook }
const policyFor = (tenant: string): string => `version: 1
identity: { default_tenant: ${tenant} }
tiers: { basic: { ladder: main } }
ladders: { main: [{ model: gpt-6-sol }] }
providers: { openai: { base_url: https://api.openai.com/v1 } }
`

/** What a listener was told, and the next thing it will be told. */
class Told {
  readonly all: unknown[] = []
  readonly #events = new EventEmitter()

  readonly listener = {
    onChange: (policy: Policy) => this.#add(policy.identity.defaultTenant),
    onError: (error: unknown) => this.#add(error),
  }

  async next(): Promise<unknown> {
    const [what] = await once(this.#events, 'told')
    return what
  }

  #add(what: unknown): void {
    this.all.push(what)
    this.#events.emit('told', what)
  }
}

let folder = ''
let path = ''
let told = new Told()
let watched: PolicyWatch | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-policy-'))
  path = join(folder, 'bursar.yaml')
  told = new Told()
  await writeFile(path, policyFor('one'))
})
afterEach(async () => {
  watched?.close()
  await rm(folder, { recursive: true })
})

const start = async (): Promise<PolicyWatch> => {
  watched = await watchPolicy(path, context, told.listener)
  return watched
}

describe('watchPolicy', () => {
  test('starts with the policy as it is', async () => {
    const { policy } = await start()
    expect(policy.identity.defaultTenant).toBe('one')
    expect(told.all).toEqual([])
  })

  test('tells of a file that is written, and of one that is put in its place', async () => {
    const watch = await start()
    const written = told.next()
    await writeFile(path, policyFor('two'))
    expect(await written).toBe('two')
    const replaced = told.next()
    await writeFile(`${path}.new`, policyFor('three'))
    await rename(`${path}.new`, path)
    expect(await replaced).toBe('three')
    expect(watch.policy.identity.defaultTenant).toBe('three')
  })

  test('keeps the policy in force when the new one is wrong, and says so once', async () => {
    const watch = await start()
    const wrong = told.next()
    await writeFile(path, `${policyFor('two')}colour: blue\n`)
    expect(await wrong).toMatchObject({ code: 'INVALID_POLICY' })
    await watch.reload()
    expect(told.all).toHaveLength(1)
    expect(watch.policy.identity.defaultTenant).toBe('one')
    const mended = told.next()
    await writeFile(path, policyFor('two'))
    expect(await mended).toBe('two')
  })

  test('keeps the policy in force when the file is gone, and says so once', async () => {
    const watch = await start()
    await rm(path)
    await watch.reload()
    await watch.reload()
    expect(told.all).toEqual([expect.objectContaining({ code: 'POLICY_MISSING' })])
    expect(watch.policy.identity.defaultTenant).toBe('one')
  })

  test('says nothing when the same text is written again', async () => {
    const watch = await start()
    await writeFile(path, policyFor('one'))
    await watch.reload()
    expect(told.all).toEqual([])
  })

  test('says nothing once it is closed', async () => {
    const watch = await start()
    watch.close()
    watch.close()
    await writeFile(path, policyFor('two'))
    await watch.reload()
    expect(told.all).toEqual([])
  })

  test('does not start from a wrong file', async () => {
    await writeFile(path, 'version: 2')
    await expect(start()).rejects.toMatchObject({ code: 'INVALID_POLICY' })
  })
})

describe('loadPolicy', () => {
  test('names the variable of a missing file', async () => {
    await expect(loadPolicy(join(folder, 'none.yaml'), context)).rejects.toMatchObject({
      code: 'POLICY_MISSING',
      message: expect.stringContaining('BURSAR_POLICY'),
    })
  })

  test('refuses what is no UTF-8', async () => {
    await writeFile(path, Buffer.from([0x76, 0xff, 0xfe]))
    await expect(loadPolicy(path, context)).rejects.toMatchObject({
      code: 'INVALID_POLICY',
      message: expect.stringContaining('bursar.yaml:1:1 is no valid UTF-8'),
    })
  })

  test('reads a file that starts with a byte order mark', async () => {
    await writeFile(path, `\uFEFF${policyFor('one')}`)
    expect((await loadPolicy(path, context)).identity.defaultTenant).toBe('one')
  })
})
