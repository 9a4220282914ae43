import type { Redis } from 'ioredis'
import { z } from 'zod'
import { ask } from '../../../admission/redis/ask.ts'
import { loadScript } from '../../../admission/redis/load-script.ts'
import { runScript } from '../../../admission/redis/run-script.ts'
import {
  DEFAULT_TENANT,
  DEFAULT_TIMES,
  dataText,
  drawToken,
  isSessionId,
  ownerKey,
  placeOf,
  readToken,
} from '../token.ts'
import type { Session, Sessions, SessionTimes } from '../types.ts'

const openScript = loadScript(new URL('./open.lua', import.meta.url))
const touchScript = loadScript(new URL('./touch.lua', import.meta.url))
const endScript = loadScript(new URL('./end.lua', import.meta.url))
const cleanScript = loadScript(new URL('./clean.lua', import.meta.url))

/** Sessions that one script forgets, so that others are served in between. */
const PAGE = 500

const Count = z.int().min(0)
const Opened = z.tuple([z.int(), z.int(), z.int()])
const Flat = z.array(z.string())
const Totals = z.object({
  opened: z.coerce.number().int().default(0),
  expired: z.coerce.number().int().default(0),
  revoked: z.coerce.number().int().default(0),
  replaced: z.coerce.number().int().default(0),
})
const Kept = z
  .object({
    ...{ tenant: z.string(), user: z.string(), ip: z.string(), agent: z.string() },
    data: z.string().transform((text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text))),
    ...{ opened: z.coerce.number(), seen: z.coerce.number(), requests: z.coerce.number() },
    ...{ ends: z.coerce.number(), lasts: z.coerce.number() },
  })
  .transform(({ opened, seen, ends, lasts, ...rest }) => ({
    ...rest,
    ...{ openedAtMs: opened, seenAtMs: seen, endsAtMs: ends, lastsUntilMs: lasts },
  }))

export interface RedisSessionsOptions extends Partial<SessionTimes> {
  /** Commands are bounded in time; the caller owns and closes it. */
  readonly redis: Redis
  /** The slot's, e.g. `{bursar}`: two Bursars on one Redis share no session. */
  readonly prefix: string
  /** ms; absent = the server's TIME. */
  readonly now?: () => number
}

/** Beside the slot, in a slot of Cluster of its own. */
const sessionsPrefix = (prefix: string): string => `{${prefix.replace(/[{}]/g, '')}-sessions}:`

/** Sessions in Redis, shared by every process of the application. */
export function redisSessions(options: RedisSessionsOptions): Sessions {
  const { redis, prefix, now = () => 0 } = options
  const { idleMs, longestMs, perUser } = { ...DEFAULT_TIMES, ...timesIn(options) }
  const base = sessionsPrefix(prefix)
  const totals = `${base}totals`
  const run = (script: typeof openScript, words: readonly (string | number)[]) =>
    ask(runScript(redis, script, [totals], [now(), ...words]))

  async function read(ids: readonly string[]): Promise<Session[]> {
    const all = await Promise.all(ids.map((id) => ask(redis.hgetall(`${base}s:${id}`))))
    return ids.flatMap((id, at) => {
      const record = Kept.safeParse(all[at])
      // It ended between the two questions.
      return record.success ? [{ id, ...record.data }] : []
    })
  }
  const nowMs = async () => now() || timeIn(await ask(redis.time()))

  return {
    async open(who) {
      const [token, data] = [drawToken(), dataText(who)]
      const { id = '', proof = '' } = readToken(token) ?? {}
      const { tenant = DEFAULT_TENANT, user } = who
      const { ip, agent } = placeOf(who)
      const words = [id, proof, ownerKey(who), tenant, user, data, ip, agent]
      const reply = await run(openScript, [...words, idleMs, longestMs, perUser])
      const [openedAtMs, endsAtMs, lastsUntilMs] = Opened.parse(reply)
      const times = { openedAtMs, seenAtMs: openedAtMs, endsAtMs, lastsUntilMs, requests: 0 }
      return { token, session: { id, tenant, user, data: JSON.parse(data), ip, agent, ...times } }
    },
    async touch(token, place = {}) {
      const given = readToken(token)
      if (given === null) return null
      const { ip, agent } = placeOf(place)
      const reply = await run(touchScript, [given.id, given.proof, idleMs, ip, agent])
      const flat = Flat.parse(reply)
      return flat.length === 0 ? null : { id: given.id, ...Kept.parse(fieldsOf(flat)) }
    },
    async list(owner) {
      const since = `(${await nowMs()}`
      const ids = await ask(
        redis.zrange(`${base}o:${ownerKey(owner)}`, '+inf', since, 'BYSCORE', 'REV'),
      )
      return read(Flat.parse(ids))
    },
    async revoke(id) {
      if (!isSessionId(id)) return false
      return Count.parse(await run(endScript, [id, '', ''])) === 1
    },
    revokeAll: async (owner, except = '') =>
      Count.parse(await run(endScript, ['', ownerKey(owner), except])),
    async stats() {
      const since = `(${await nowMs()}`
      const [active, users, counts] = await Promise.all([
        ask(redis.zcount(`${base}ends`, since, '+inf')),
        ask(redis.zcount(`${base}owners`, since, '+inf')),
        ask(redis.hgetall(totals)),
      ])
      return { active: Count.parse(active), users: Count.parse(users), ...Totals.parse(counts) }
    },
    async cleanUp() {
      for (let all = 0; ; ) {
        const ended = Count.parse(await run(cleanScript, [PAGE]))
        all += ended
        if (ended < PAGE) return all
      }
    },
  }
}

const timesIn = ({ idleMs, longestMs, perUser }: Partial<SessionTimes>): Partial<SessionTimes> => ({
  ...(idleMs !== undefined && { idleMs }),
  ...(longestMs !== undefined && { longestMs }),
  ...(perUser !== undefined && { perUser }),
})

function fieldsOf(flat: readonly string[]): Record<string, string> {
  const pairs: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at] ?? '', flat[at + 1] ?? ''])
  return Object.fromEntries(pairs)
}

const Time = z.tuple([z.coerce.number(), z.coerce.number()])
function timeIn(reply: unknown): number {
  const [seconds, micros] = Time.parse(reply)
  return seconds * 1_000 + Math.floor(micros / 1_000)
}
