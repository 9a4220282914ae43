import type { Nano } from '../../money/nano.ts'

/** The longest name that a message shows, code points. */
export const LONGEST_NAME = 60

/** What says in which direction text runs: it would turn the rest of a line around. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\ud802\ud803\ud83a\ud83b]/
/** Keys and tokens as their makers write them: somebody has named a tag after one. */
const SECRETS = new RegExp(
  [
    ...[/(?:sk|pk|rk)[-_][\w-]{12,}/, /whsec_[\w+/=-]{8,}/, /xox[a-z]-[\w-]{8,}/],
    ...[/gh[a-z]_\w{16,}/, /github_pat_\w{16,}/, /AIza[\w-]{16,}/, /AKIA[A-Z0-9]{12,}/],
    // A signed token (JWT), and whatever a header would carry.
    ...[/eyJ[\w-]{8,}\.[\w.-]{8,}/, /bearer\s+[\w.~+/=-]{12,}/],
  ]
    .map(({ source }) => `(?<![a-z0-9])${source}`)
    .join('|'),
  'gi',
)

/**
 * Makes a text that somebody else chose fit for one line: no control characters, nothing that turns lines around, no
 * key, and no more than a reader looks at.
 * @param most - code points, the ellipsis included.
 */
export function clean(text: string, most: number = LONGEST_NAME): string {
  const some = text.slice(0, most * 8).toWellFormed()
  const plain = some
    .replace(DIRECTIONS, '')
    .replace(CONTROLS, ' ')
    .replace(SECRETS, '[key]')
    .replace(/\s+/g, ' ')
    .trim()
  const points = [...plain]
  // A joiner or an accent alone at the end would take the ellipsis with it.
  const kept = points
    .slice(0, most - 1)
    .join('')
    .replace(/[\u200d\ufe0f\p{M}\s]+$/u, '')
  return points.length <= most ? plain : `${kept}…`
}

/** What programs get of a name: longer than any that is meant. */
const LONGEST_VALUE = 256

/** The same for every text in plain data that programs read: a name that is not hostile stays as it is. */
export function cleanAll(value: unknown): unknown {
  if (typeof value === 'string') return clean(value, LONGEST_VALUE)
  if (Array.isArray(value)) return value.map(cleanAll)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cleanAll(one)]))
}

/** `clean` for text that stands beside ours on one line: what runs right to left keeps to itself. */
export function apart(text: string, most?: number): string {
  const name = clean(text, most)
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name
}

/** Shortens a text of ours with names in it: what keeps to itself in it is closed. */
export function fitted(text: string, most: number): string {
  const points = [...text]
  if (points.length <= most) return text
  const kept = points.slice(0, most - 2).join('')
  return `${kept}…${kept.lastIndexOf('\u2068') > kept.lastIndexOf('\u2069') ? '\u2069' : ''}`
}

const NANO = 1_000_000_000
const DOLLARS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const CENTS = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
})

/** Money for a reader: `$1,000`, `$12.50`, `$0.0042`; whole dollars from $1,000 on, exact where it is not rounded. */
export function dollars(nano: Nano): string {
  const sign = nano < 0 ? '-' : ''
  const usd = Math.abs(nano) / NANO
  if (usd === 0) return '$0'
  if (usd < 0.000_001) return `${sign}<$0.000001`
  if (usd < 0.1) return `${sign}$${trimmed(usd.toPrecision(2), usd)}`
  const isWhole = Math.abs(nano) % NANO === 0 || usd >= 1_000
  return `${sign}$${(isWhole ? DOLLARS : CENTS).format(usd)}`
}

/** `toPrecision` writes what is very small with an exponent. */
const trimmed = (text: string, usd: number): string => (/e/.test(text) ? usd.toFixed(7) : text)

/** e.g. `96%`, `0.4%`, `1,204%`. */
export function percent(value: number): string {
  const digits = value !== 0 && Math.abs(value) < 1 ? 1 : 0
  return `${value.toLocaleString('en-US', { maximumFractionDigits: digits })}%`
}

/** e.g. `1 job`, `12 jobs`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`

/** e.g. `Sat 21 Nov`, in a timezone. */
export const day = (atMs: number, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone })
    .format(atMs)
    .replace(',', '')

/** e.g. `Sat 21 Nov, 17:04 GMT+1`, in a timezone. */
export const instant = (atMs: number, timeZone: string): string =>
  `${day(atMs, timeZone)}, ${new Intl.DateTimeFormat('en-GB', {
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short', timeZone },
  }).format(atMs)}`
