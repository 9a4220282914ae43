import type { Redis } from 'ioredis'
import { z } from 'zod'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { answered } from '../answered.ts'
import {
  BOUNDS_MS,
  COUNTED,
  type Counted,
  type Figures,
  mergeFigures,
  noCounts,
  noTimes,
  OTHERS,
} from './figures.ts'
import { DAY_MS, dayOf, daysUpTo, type FigureShelf, MOST_DAYS } from './shelf.ts'

const script = loadScript(new URL('./add-figures.lua', import.meta.url))

/** Some thousand tenants by day; beyond them, tenants are counted together. */
const MOST_FIELDS = 40_000
/** Triples of one script call: Lua unpacks no more than some thousands of words. */
const MOST_TRIPLES = 1_000

const Count = z.int().min(0)
const Fields = z.record(z.string(), z.coerce.number().int())
const TIMES = Array.from({ length: BOUNDS_MS.length + 1 }, (_, bucket) => `t${bucket}`)
const Field = z.tuple([z.string(), z.string(), z.enum([...COUNTED, ...TIMES])])

type Triple = readonly [field: string, instead: string, by: number]

/**
 * @param prefix - of the data cache, without braces.
 * @param mostFields - of one day; what comes beyond them is counted for `(others)`.
 */
export function redisFigures(redis: Redis, prefix: string, mostFields = MOST_FIELDS): FigureShelf {
  const key = (day: string) => `${prefix}:figures:${day}`
  return {
    add: (lines, nowMs) =>
      answered(async () => {
        const triples = lines.flatMap(triplesOf)
        for (let at = 0; at < triples.length; at += MOST_TRIPLES) {
          const words = triples.slice(at, at + MOST_TRIPLES).flat()
          const limits = [mostFields, (MOST_DAYS + 1) * DAY_MS]
          Count.parse(await runScript(redis, script, [key(dayOf(nowMs))], [...limits, ...words]))
        }
      }),
    read: (days, nowMs) =>
      answered(async () => {
        const all = await Promise.all(daysUpTo(nowMs, days).map((day) => redis.hgetall(key(day))))
        return all.flatMap((fields) => linesOf(Fields.parse(fields)))
      }),
    clear: (nowMs) =>
      answered(async () => {
        await Promise.all(daysUpTo(nowMs, MOST_DAYS).map((day) => redis.unlink(key(day))))
      }),
  }
}

function triplesOf({ namespace, tenant, counts, times }: Figures): Triple[] {
  const field = (whose: string, name: string) => JSON.stringify([namespace, whose, name])
  const triple = (name: string, by: number): Triple => [
    field(tenant, name),
    field(OTHERS, name),
    by,
  ]
  return [
    ...COUNTED.map((what) => triple(what, counts[what])),
    ...times.map((count, bucket) => triple(`t${bucket}`, count)),
  ].filter(([, , by]) => by > 0)
}

/** A field that a later version wrote is left out. */
function linesOf(fields: z.infer<typeof Fields>): Figures[] {
  const lines = Object.entries(fields).flatMap(([name, count]) => {
    const field = Field.safeParse(parsed(name))
    if (!field.success) return []
    const [namespace, tenant, what] = field.data
    return [lineOf(namespace, tenant, what, count)]
  })
  return mergeFigures(lines, ({ namespace, tenant }) => ({ namespace, tenant }))
}

const isCounted = (what: string): what is Counted => COUNTED.some((one) => one === what)

function lineOf(namespace: string, tenant: string, what: string, count: number): Figures {
  const counts = noCounts()
  const times = noTimes()
  if (isCounted(what)) counts[what] = count
  else times[Number(what.slice(1))] = count
  return { namespace, tenant, counts, times }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
