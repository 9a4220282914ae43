import { randomFillSync, randomUUID } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const RANDOM_CHARS = 16
const TIME_CHARS = 10

/** Draws ids that sort by the time they were drawn, also within one millisecond. */
export function createIdSource(now: () => number = Date.now): () => string {
  let lastMs = -1
  let digits: number[] = []
  // All but the last character: many ids of one millisecond share it.
  let head = ''
  return () => {
    const nowMs = Math.max(now(), lastMs)
    if (nowMs !== lastMs) {
      digits = randomDigits()
      head = timePart(nowMs) + textOf(digits)
    } else if (increment(digits)) {
      head = timePart(nowMs) + textOf(digits)
    }
    lastMs = nowMs
    return `${head}${ALPHABET[digits.at(-1) ?? 0]}`
  }
}

/**
 * A ULID: never used again, no colon, no integer, as BullMQ asks of a job id.
 * @see https://github.com/ulid/spec
 */
export const newJobId: () => string = createIdSource()

/**
 * The identity of one take: `<jobId>/<uuid version 7>`. Random, because neither BullMQ's counters nor the slot's
 * survive lost data. (PROTOCOL 3.7)
 */
export function newAttemptId(jobId: string): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${jobId}/${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

/** The job that an attempt is of. */
export const jobOfAttempt = (attempt: string): string => attempt.slice(0, attempt.lastIndexOf('/'))

// Asking the system for 16 bytes costs as much as asking for 4,096.
const pool = Buffer.alloc(4_096)
let used = pool.length

function randomDigits(): number[] {
  if (used + RANDOM_CHARS > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const drawn = pool.subarray(used, used + RANDOM_CHARS)
  used += RANDOM_CHARS
  return Array.from(drawn, (byte) => byte & 31)
}

function timePart(ms: number): string {
  let text = ''
  let rest = ms
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Of all digits but the last. */
function textOf(digits: readonly number[]): string {
  let text = ''
  for (const digit of digits.slice(0, -1)) text += ALPHABET[digit]
  return text
}

/**
 * 80 random bits overflow after 2^79 ids in one millisecond, on average: never.
 * @returns whether more than the last digit has changed.
 */
function increment(digits: number[]): boolean {
  const last = digits.length - 1
  for (let at = last; at >= 0; at--) {
    const next = ((digits[at] ?? 0) + 1) % 32
    digits[at] = next
    if (next !== 0) return at < last
  }
  return true
}
