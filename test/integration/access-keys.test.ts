import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeyGuard, type KeyGuard } from '../../src/access/key-guard.ts'
import { createKeyStore, type KeyStore } from '../../src/access/key-store.ts'
import {
  createKey,
  listKeys,
  type NewKey,
  revokeKey,
  rotateKey,
} from '../../src/access/manage-keys.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { LEDGER_STORES, type TestLedger } from '../helpers/ledgers.ts'

const logger = createLogger({ level: 'silent', name: 'test' })
const [HOUR, MINUTE] = [3_600_000, 60_000]
const START = Date.UTC(2026, 10, 21, 12)

const wanted = (more: Partial<NewKey> = {}): NewKey => ({
  name: 'tutor',
  role: 'app',
  tenant: 'acme',
  user: null,
  tier: null,
  models: null,
  budgets: null,
  expiresAtMs: null,
  createdBy: 'operator',
  ...more,
})

/** A guard on a clock of its own, over a store that counts, and that a test may break. */
function guarded(ledger: Ledger) {
  const store = createKeyStore(ledger)
  const state = {
    nowMs: START,
    finds: 0,
    touches: 0,
    broken: false,
    stall: null as null | Promise<void>,
  }
  const watched: Pick<KeyStore, 'find' | 'touch'> = {
    async find(id) {
      state.finds += 1
      if (state.stall) await state.stall
      if (state.broken) throw new Error('connection refused')
      return store.find(id)
    },
    async touch(id, nowMs) {
      state.touches += 1
      if (state.broken) throw new Error('connection refused')
      await store.touch(id, nowMs)
    },
  }
  const guard = createKeyGuard({ store: watched, logger, now: () => state.nowMs })
  return { store, state, guard }
}

const reasonOf = (guard: KeyGuard, text: string): Promise<unknown> =>
  guard.check(text).then(
    () => 'good',
    (error) => error.detail?.reason ?? error.code,
  )

describe.each(LEDGER_STORES)('keys on $name', ({ open }) => {
  let opened: TestLedger
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())

  test('a key opens as what it was made for, and its secret stands nowhere', async () => {
    const { store, guard } = guarded(opened.ledger)
    const scope = { user: 'u1', tier: 'basic', models: ['gpt-6-sol', 'a,"b"'] }
    const { key, text } = await createKey(store, wanted(scope), START)
    expect(await guard.check(text)).toEqual({ ...key, lastUsedAtMs: null })
    await guard.close()
    const [listed] = await listKeys(store, 'acme')
    expect(listed).toEqual({ ...key, lastUsedAtMs: START })
    const rows = await opened.ledger.db.execute(sql`select * from api_keys`)
    expect(JSON.stringify(rows.rows)).toContain(key.id)
    expect(JSON.stringify([rows.rows, listed, key])).not.toContain(text.slice(23))
  })

  test('a former secret opens until its grace is over, the newest after it, older ones no more', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { key, text: first } = await createKey(store, wanted(), START)
    const times = { nowMs: START, graceMs: HOUR }
    const { text: second } = await rotateKey(store, key.id, times)
    const reasons = async () => [await reasonOf(guard, first), await reasonOf(guard, second)]
    expect(await reasons()).toEqual(['good', 'good'])
    state.nowMs = START + HOUR - 1
    expect(await reasons()).toEqual(['good', 'good'])
    state.nowMs = START + HOUR
    expect(await reasons()).toEqual(['rotated', 'good'])

    state.nowMs += MINUTE
    const { text: third } = await rotateKey(store, key.id, { nowMs: state.nowMs, graceMs: 0 })
    state.nowMs += MINUTE
    expect(await reasons()).toEqual(['unknown', 'rotated'])
    expect(await reasonOf(guard, third)).toBe('good')
    await guard.close()
  })

  test('expires at its time, and is no longer rotated', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { key, text } = await createKey(store, wanted({ expiresAtMs: START + 100 }), START)
    expect(await reasonOf(guard, text)).toBe('good')
    // Told by what is cached: nobody has to be asked what time it is.
    state.nowMs = START + 100
    expect(await reasonOf(guard, text)).toBe('expired')
    const rotating = rotateKey(store, key.id, { nowMs: state.nowMs, graceMs: HOUR })
    await expect(rotating).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await guard.close()
  })

  test('revoking ends both secrets within half a second, stays as it was, and is for ever', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { key, text: first } = await createKey(store, wanted(), START)
    const { text: second } = await rotateKey(store, key.id, { nowMs: START, graceMs: HOUR })
    for (const text of [first, second]) expect(await reasonOf(guard, text)).toBe('good')
    const revoked = await revokeKey(store, key.id, START + 1)
    expect(revoked.revokedAtMs).toBe(START + 1)
    expect((await revokeKey(store, key.id, START + 2)).revokedAtMs).toBe(START + 1)
    state.nowMs = START + 500
    for (const text of [first, second]) expect(await reasonOf(guard, text)).toBe('revoked')
    const rotating = rotateKey(store, key.id, { nowMs: START + 2, graceMs: HOUR })
    await expect(rotating).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    // Nor by whoever looked just before it was revoked.
    expect(await store.rotate(key.id, 'hash', START + 2, START + HOUR)).toBeNull()
    await guard.close()
  })

  test('an id that nobody made is told as one', async () => {
    const { store } = guarded(opened.ledger)
    const unknown = { code: 'UNKNOWN_KEY', detail: { id: 'nobody000000' } }
    await expect(revokeKey(store, 'nobody000000', START)).rejects.toMatchObject(unknown)
    const rotating = rotateKey(store, 'nobody000000', { nowMs: START, graceMs: 0 })
    await expect(rotating).rejects.toMatchObject(unknown)
  })

  test('only keys of a tenant spend: the database itself refuses another', async () => {
    const { store } = guarded(opened.ledger)
    await expect(createKey(store, wanted({ tenant: null }), START)).rejects.toThrow()
    await createKey(store, wanted({ tenant: null, role: 'viewer' }), START)
  })

  test('a hundred at once and half a second long ask once; a minute of use is written once', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { key, text } = await createKey(store, wanted(), START)
    const all = () => Promise.all(Array.from({ length: 100 }, () => guard.check(text)))
    await all()
    expect(state).toMatchObject({ finds: 1, touches: 1 })
    state.nowMs = START + 499
    await all()
    expect(state).toMatchObject({ finds: 1, touches: 1 })
    state.nowMs = START + 500
    await all()
    expect(state).toMatchObject({ finds: 2, touches: 1 })
    state.nowMs = START + MINUTE
    await all()
    await guard.close()
    expect(state).toMatchObject({ finds: 3, touches: 2 })
    expect((await store.find(key.id))?.lastUsedAtMs).toBe(START + MINUTE)
    // Another process that used it since writes nothing back.
    await store.touch(key.id, START + MINUTE + 1)
    expect((await store.find(key.id))?.lastUsedAtMs).toBe(START + MINUTE)
  })

  test('an id that is not there is asked for once too, and a mistyped key never', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { key, text } = await createKey(store, wanted(), START)
    await opened.ledger.db.execute(sql`delete from api_keys where id = ${key.id}`)
    for (let n = 0; n < 10; n++) expect(await reasonOf(guard, text)).toBe('unknown')
    expect(state.finds).toBe(1)
    for (let n = 0; n < 10; n++) expect(await reasonOf(guard, `${text}x`)).toBe('mistyped')
    expect(await reasonOf(guard, 'sk-proj-other')).toBe('other')
    expect(state.finds).toBe(1)
  })

  test('without the database a key that was good lives on for a minute, and no other', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { text } = await createKey(store, wanted(), START)
    const { text: unseen } = await createKey(store, wanted(), START)
    const { key, text: revoked } = await createKey(store, wanted(), START)
    expect(await reasonOf(guard, text)).toBe('good')
    await revokeKey(store, key.id, START)
    expect(await reasonOf(guard, revoked)).toBe('revoked')
    state.broken = true
    for (const nowMs of [START + 500, START + 30_000, START + 59_999]) {
      state.nowMs = nowMs
      expect(await reasonOf(guard, text)).toBe('good')
      expect(await reasonOf(guard, revoked)).toBe('revoked')
      expect(await reasonOf(guard, unseen)).toBe('LEDGER_UNAVAILABLE')
    }
    state.nowMs = START + 60_000
    await expect(guard.check(text)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      retryable: true,
      detail: { retryAfterMs: 1_000 },
    })
    state.broken = false
    for (const one of [text, unseen]) expect(await reasonOf(guard, one)).toBe('good')
    await guard.close()
  })

  test('a database that hangs is waited for once, not by everybody who comes', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { text } = await createKey(store, wanted(), START)
    await guard.check(text)
    let answer = () => {}
    state.stall = new Promise((resolve) => {
      answer = resolve
    })
    state.nowMs = START + 1_000
    expect(await reasonOf(guard, text)).toBe('good')
    const startedMs = performance.now()
    for (let n = 0; n < 100; n++) expect(await reasonOf(guard, text)).toBe('good')
    expect(performance.now() - startedMs).toBeLessThan(500)
    expect(state.finds).toBe(2)
    answer()
    await guard.close()
  })

  test('a clock that was set back makes nothing of what is known younger', async () => {
    const { store, state, guard } = guarded(opened.ledger)
    const { text } = await createKey(store, wanted(), START)
    await guard.check(text)
    state.nowMs = START - HOUR
    await guard.check(text)
    expect(state.finds).toBe(2)
    await guard.close()
  })
})
