import type { IncomingHttpHeaders } from 'node:http'
import { URGENCIES, type Urgency } from '../../admission/outbox.ts'
import { parseDuration } from '../../config/units.ts'
import { BursarError } from '../../errors.ts'

/** What the headers of a request say. */
export interface OwnHeaders {
  readonly tenant?: string
  readonly user?: string
  readonly tier?: string
  readonly run?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly urgency?: Urgency
  readonly deadline?: number | string
}

type Read = (value: string) => OwnHeaders

const PREFIX = 'x-bursar-'

/** The cache has its own reader (cache-headers.ts). */
const HEADERS: Readonly<Record<string, Read>> = {
  'x-bursar-tenant': (tenant) => ({ tenant }),
  'x-bursar-user': (user) => ({ user }),
  'x-bursar-tier': (tier) => ({ tier }),
  'x-bursar-run': (run) => ({ run }),
  'x-bursar-tags': (tags) => ({ tags: readTags(tags) }),
  'x-bursar-urgency': (urgency) => ({ urgency: readUrgency(urgency) }),
  'x-bursar-deadline': (deadline) => ({ deadline: readDeadline(deadline) }),
  'x-bursar-cache': () => ({}),
}
const KNOWN = Object.keys(HEADERS)

/**
 * Reads `x-bursar-*`: who pays, and how the request is to be treated.
 * @throws {BursarError} INVALID_REQUEST naming the header, also one that nobody knows: a misspelt tenant would be paid
 * by another.
 */
export function readOwnHeaders(headers: IncomingHttpHeaders): OwnHeaders {
  let said: OwnHeaders = {}
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue
    const read = Object.hasOwn(HEADERS, name) ? HEADERS[name] : undefined
    if (!read) throw wrong(name, `is none of ${KNOWN.join(', ')}: correct it, or leave it out`)
    const value = headers[name]?.toString().trim() ?? ''
    if (value !== '') said = { ...said, ...read(value) }
  }
  return said
}

/** `feature=tutor, team=maths` */
function readTags(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const [, key = '', value = ''] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
    if (key === '') throw wrong('x-bursar-tags', 'is written feature=tutor, team=maths')
    return [key, value]
  })
  return Object.fromEntries(pairs)
}

function readUrgency(text: string): Urgency {
  const known = URGENCIES.find((one) => one === text)
  if (known) return known
  throw wrong('x-bursar-urgency', `is one of ${URGENCIES.join(', ')}`)
}

/** Other texts may be dates too, and nobody means those. */
const INSTANT = /^\d{4}-\d\d-\d\d([T ]|$)/

/** `30s` from now, or a point in time. */
function readDeadline(text: string): number | string {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  if (INSTANT.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString()
  throw wrong('x-bursar-deadline', 'is a time such as 30s, or an instant such as 2026-12-01T09:00Z')
}

const wrong = (header: string, message: string): BursarError =>
  new BursarError('INVALID_REQUEST', `${header} ${message}`, { detail: { param: header } })
