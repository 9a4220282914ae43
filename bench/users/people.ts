import { PEOPLE, type Person, QUESTIONS } from '../../src/cli/demo/people.ts'
import { type Draw, drawInt, drawOne } from '../../src/cli/traffic/draw.ts'

/** What somebody asks, and whether they watch the answer come. */
export interface Question {
  readonly content: string
  readonly stream: boolean
  readonly tutor: boolean
  readonly outputTokens: number
}

/** Shares of the demo's own traffic; half of an app's answers are watched. */
const SHARES = { again: 0.4, tutor: 0.25, stream: 0.5 }

/** The demo's people, as often as it takes: each of a tenant and on a plan of theirs. */
export function userAt(at: number): Person {
  const person = PEOPLE[at % PEOPLE.length]
  if (!person) throw new RangeError('the demo has no people')
  return { ...person, user: `${person.user}-${Math.floor(at / PEOPLE.length)}` }
}

/** What many ask is asked in the same words; the rest adds something of its own. */
export function nextQuestion(draw: Draw): Question {
  const question = drawOne(draw, QUESTIONS) ?? ''
  return {
    content: draw() < SHARES.again ? question : `${question} (${drawInt(draw, 1e9)})`,
    stream: draw() < SHARES.stream,
    tutor: draw() < SHARES.tutor,
    outputTokens: 40 + drawInt(draw, 260),
  }
}

const [LEAST_MS, MEAN_MS, MOST_MS] = [1_000, 5_000, 20_000] as const

/** How long somebody reads and types until the next question, ms: mostly some seconds, now and then long. */
export const thinkMs = (draw: Draw): number =>
  Math.min(LEAST_MS - Math.log(1 - draw()) * MEAN_MS, MOST_MS)
