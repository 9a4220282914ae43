import { z } from 'zod'
import { createClient } from '../src/client/index.ts'

/** What one process asked, and how long each answer took. */
export const AskedSchema = z.object({ calls: z.number(), ms: z.array(z.number()) })
export type Asked = z.infer<typeof AskedSchema>

const QUESTIONS = 40
const REQUESTS = 400
const LANES = 8

const request = (topic: number, cache: boolean) => ({
  ...{ user: 'u1', model: 'gpt-6-astra', max_completion_tokens: 1_024, cache },
  messages: [{ role: 'user' as const, content: `Explain topic ${topic} of the course` }],
})

/** The usual way without a cache that is shared: a promise by question. */
function memoryOf<T>(ask: (topic: number) => Promise<T>): (topic: number) => Promise<T> {
  const known = new Map<number, Promise<T>>()
  return (topic) => {
    const asked = known.get(topic) ?? ask(topic)
    known.set(topic, asked)
    return asked
  }
}

async function main(how: string, seed: number): Promise<Asked> {
  const client = createClient({ redisUrl: process.env.REDIS_URL ?? '' })
  let calls = 0
  const ask = async (topic: number) => {
    const { receipt } = await client.run(request(topic, how === 'shared'))
    if (receipt.cache === 'miss' || receipt.cache === 'off') calls += 1
  }
  const answer = how === 'shared' ? ask : memoryOf(ask)
  const ms: number[] = []
  let left = REQUESTS
  const lane = async () => {
    while (left > 0) {
      left -= 1
      const startMs = performance.now()
      // The same questions everywhere, each process in an order of its own.
      await answer((left * (2 * seed + 7)) % QUESTIONS)
      ms.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await client.close()
  return { calls, ms }
}

if (process.send) {
  const [how = 'shared', seed = '0'] = process.argv.slice(2)
  const asked = await main(how, Number(seed))
  process.send(asked, () => process.exit(0))
}
