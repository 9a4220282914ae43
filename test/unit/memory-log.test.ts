import { expect, test } from 'vitest'
import { type Ending, followAnswer } from '../../src/queue/streams/follow-answer.ts'
import { createMemoryLogs } from '../../src/queue/streams/memory-log.ts'

const chunk = (text: string) => ({ text, data: { text } })
const never = new Promise<never>(() => {})

async function read(following: ReturnType<typeof followAnswer>) {
  const texts: string[] = []
  for (;;) {
    const { done, value } = await following.next()
    if (done) return { whole: value, texts }
    texts.push(value.restart ? 'RESTART' : value.text)
  }
}

test('who follows from the start and who joins late read the same whole answer', async () => {
  const logs = createMemoryLogs()
  const early = read(followAnswer(logs, 'j1', never))
  const writer = logs.open('j1', 1)
  for (const text of ['a', 'b', 'c']) writer.write(chunk(text))
  const late = read(followAnswer(logs, 'j1', never))
  writer.write(chunk('d'))
  await writer.end()
  const whole = { whole: true, texts: ['a', 'b', 'c', 'd'] }
  expect(await early).toEqual(whole)
  expect(await late).toEqual(whole)
})

test('a later take starts the answer over; another job is another log', async () => {
  const logs = createMemoryLogs()
  const following = read(followAnswer(logs, 'j1', never))
  logs.open('j1', 1).write(chunk('half'))
  logs.open('j2', 1).write(chunk('not ours'))
  const again = logs.open('j1', 2)
  again.write(chunk('whole'))
  await again.end()
  expect((await following).texts.slice(-2)).toEqual(['RESTART', 'whole'])
})

test('a log without its end mark says so once the request has ended', async () => {
  const logs = createMemoryLogs()
  let end = () => {}
  const ended = new Promise<Ending>((resolve) => {
    end = () => resolve({ paidBy: null })
  })
  logs.open('j1', 1).write(chunk('half'))
  const following = read(followAnswer(logs, 'j1', ended))
  end()
  expect(await following).toEqual({ whole: false, texts: ['half'] })
})
