import { timingSafeEqual } from 'node:crypto'
import {
  DEFAULT_TENANT,
  DEFAULT_TIMES,
  dataText,
  drawToken,
  ownerKey,
  placeOf,
  readToken,
} from './token.ts'
import type { Session, SessionOwner, Sessions, SessionTimes } from './types.ts'

interface Kept extends Session {
  readonly proof: string
  readonly owner: string
}

type End = 'expired' | 'revoked' | 'replaced'

/** Sessions of this process alone: embedded, and in tests. They end with it. @param now - ms since 1970. */
export function memorySessions(
  times: Partial<SessionTimes> = {},
  now: () => number = Date.now,
): Sessions {
  const { idleMs, longestMs, perUser } = { ...DEFAULT_TIMES, ...times }
  const all = new Map<string, Kept>()
  const totals = { opened: 0, expired: 0, revoked: 0, replaced: 0 }

  const isOpen = ({ endsAtMs }: Session) => endsAtMs > now()
  const oldestFirst = (a: Session, b: Session) => a.endsAtMs - b.endsAtMs
  const openOf = (owner: string) =>
    [...all.values()].filter((one) => one.owner === owner && isOpen(one)).toSorted(oldestFirst)
  const end = (ids: readonly string[], how: End): number => {
    const ended = ids.filter((id) => all.delete(id)).length
    totals[how] += ended
    return ended
  }
  const cleanUp = () =>
    end(
      [...all.values()].filter((one) => !isOpen(one)).map(({ id }) => id),
      'expired',
    )
  const bare = ({ proof: _, owner: __, ...session }: Kept): Session => session

  return {
    async open(who) {
      cleanUp()
      const [token, data] = [drawToken(), JSON.parse(dataText(who))]
      const { id = '', proof = '' } = readToken(token) ?? {}
      const owner = ownerKey(who)
      const before = openOf(owner)
      const over = before.slice(0, Math.max(before.length - perUser + 1, 0))
      end(
        over.map((one) => one.id),
        'replaced',
      )
      const nowMs = now()
      const { tenant = DEFAULT_TENANT, user } = who
      const session: Session = {
        ...{ id, tenant, user, data, ...placeOf(who) },
        ...{ openedAtMs: nowMs, seenAtMs: nowMs, requests: 0 },
        ...{ endsAtMs: nowMs + Math.min(idleMs, longestMs), lastsUntilMs: nowMs + longestMs },
      }
      all.set(id, { ...session, proof, owner })
      totals.opened += 1
      return { token, session }
    },
    async touch(token, place = {}) {
      const given = readToken(token)
      const known = given && all.get(given.id)
      if (!known || !isEqual(known.proof, given.proof) || !isOpen(known)) return null
      const nowMs = now()
      const endsAtMs = Math.min(nowMs + idleMs, known.lastsUntilMs)
      const { ip, agent } = placeOf({ ip: known.ip, agent: known.agent, ...place })
      const requests = known.requests + 1
      const next = { ...known, ip, agent, requests, endsAtMs, seenAtMs: nowMs }
      all.set(known.id, next)
      return bare(next)
    },
    list: async (owner: SessionOwner) => openOf(ownerKey(owner)).toReversed().map(bare),
    async revoke(id) {
      cleanUp()
      return end([id], 'revoked') === 1
    },
    async revokeAll(owner, except) {
      const ids = openOf(ownerKey(owner)).map(({ id }) => id)
      return end(
        ids.filter((id) => id !== except),
        'revoked',
      )
    },
    async stats() {
      const open = [...all.values()].filter(isOpen)
      const users = new Set(open.map(({ owner }) => owner)).size
      return { active: open.length, users, ...totals }
    },
    cleanUp: async () => cleanUp(),
  }
}

const isEqual = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(one), Buffer.from(other))
