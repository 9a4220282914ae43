import { createDraw, type Draw, drawInt, drawOne } from '../traffic/draw.ts'
import { CHORES, PEOPLE, type Person, QUESTIONS } from './people.ts'

/** One request of the demo, and when it is handed in. */
export interface Cue {
  /** ms after the start. */
  readonly atMs: number
  readonly person: Person
  readonly content: string
  readonly tags: Readonly<Record<string, string>>
  readonly urgency: 'interactive' | 'deferrable'
  readonly outputTokens: number
}

const CUES = 360
const LENGTH_MS = 15_000
const BURSTS_AT_MS = [4_000, 9_000] as const
const BURST_CUES = 30
/** A class asks the same at the same instant: the teacher has just shown it on the board. */
const LESSONS_AT_MS = [2_000, 6_500, 11_500, 13_500] as const
const SHARES = { chore: 0.12, again: 0.4, tutor: 0.25 }

/** The same seed gives the same cues, in the order of their times. */
export function writeScript(seed: number): readonly Cue[] {
  const steady = Array.from({ length: CUES }, (_, at) =>
    cue(createDraw(seed, at), Math.floor((at * LENGTH_MS) / CUES)),
  )
  const bursts = BURSTS_AT_MS.flatMap((atMs, burst) =>
    Array.from({ length: BURST_CUES }, (_, at) =>
      cue(createDraw(seed, CUES + burst * BURST_CUES + at), atMs),
    ),
  )
  const evening = CHORES.map((chore, at) => choreFor(lateWorker(at), chore, LENGTH_MS))
  const lessons = LESSONS_AT_MS.flatMap((atMs, lesson) => lessonAt(createDraw(seed, -lesson), atMs))
  return [...steady, ...bursts, ...lessons, ...evening].sort((a, b) => a.atMs - b.atMs)
}

function lessonAt(draw: Draw, atMs: number): Cue[] {
  const question = `${drawOne(draw, QUESTIONS) ?? ''} (exercise ${drawInt(draw, 1_000)})`
  const students = PEOPLE.filter(({ tenant, tier }) => tenant === 'acme' && tier === 'basic')
  const outputTokens = 120 + drawInt(draw, 120)
  return students.map((person) => ({
    ...{ atMs, person, content: question, tags: {}, outputTokens },
    urgency: 'interactive',
  }))
}

/** Of a customer whose budget is gone by the evening: what they leave for the night has to wait. */
function lateWorker(at: number): Person {
  const late = PEOPLE.filter(({ tenant, tier }) => tenant === 'globex' && tier === 'premium')
  return late[at % late.length] ?? somebody(undefined)
}

function somebody(drawn: Person | undefined): Person {
  const person = drawn ?? PEOPLE[0]
  if (!person) throw new RangeError('the demo has no people')
  return person
}

const choreFor = (person: Person, content: string, atMs: number): Cue => ({
  atMs,
  person,
  content,
  tags: {},
  urgency: 'deferrable',
  outputTokens: 300,
})

function cue(draw: Draw, atMs: number): Cue {
  const person = somebody(drawOne(draw, PEOPLE))
  const outputTokens = 40 + drawInt(draw, 260)
  if (draw() < SHARES.chore && person.tier !== 'free') {
    const content = `${drawOne(draw, CHORES)} (batch ${drawInt(draw, 1_000)})`
    return { ...choreFor(person, content, atMs), outputTokens }
  }
  // What many people ask is asked in the same words; the rest adds something of its own.
  const question = drawOne(draw, QUESTIONS) ?? ''
  const content = draw() < SHARES.again ? question : `${question} (${drawInt(draw, 10_000)})`
  const tags: Record<string, string> = draw() < SHARES.tutor ? { feature: 'tutor' } : {}
  return { atMs, person, content, tags, urgency: 'interactive', outputTokens }
}
