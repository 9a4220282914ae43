import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, createClient } from '../../src/client/index.ts'
import { isBursarError } from '../../src/errors.ts'
import type { Heard } from './heard.ts'

/** So many hand in at a time; all of them wait at the same time. */
const LANES = 8
/** As long as a busy machine may take over a thousand. */
const PATIENCE_MS = 100_000

/** As often as it takes, under one id: a machine that is busy with a thousand takes Redis for away now and then. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
      await pause(50)
    }
  }
}

const heardOf = ({ text, receipt }: Answer): Heard[number] => ({
  text,
  cache: receipt.cache,
  costNano: receipt.costNano,
  attempt: receipt.attemptId,
})

/** An app process in which many users ask the same. Run by `joining-thousand.test.ts`. */
async function askAll(name: string, process: string, askers: number): Promise<Heard> {
  const client = createClient()
  const answers: Promise<Answer>[] = []
  const ask = async (i: number) => {
    const jobId = `${name}-${process}-${i}`
    const who = { user: `pupil${process}-${i}`, model: 'auto', urgency: 'deferrable' } as const
    const messages = [{ role: 'user' as const, content: `what is ${name}?` }]
    await insist(() => client.enqueue({ ...who, jobId, messages }))
    answers.push(insist(() => client.result(jobId, { timeoutMs: PATIENCE_MS })))
  }
  const lane = async (first: number) => {
    for (let i = first; i < askers; i += LANES) await ask(i)
  }
  await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at)))
  const heard = (await Promise.all(answers)).map(heardOf)
  await client.close()
  return heard
}

const [name = '', at = '', askers = '0'] = process.argv.slice(2)
const heard = await askAll(name, at, Number(askers))
process.send?.(heard, () => process.exit(0))
