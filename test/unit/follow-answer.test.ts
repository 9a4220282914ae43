import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Ending, followAnswer } from '../../src/queue/streams/follow-answer.ts'
import type { StreamPart } from '../../src/queue/streams/log-entry.ts'
import { createMemoryLogs } from '../../src/queue/streams/memory-log.ts'

const chunk = (text: string) => ({ text, data: { text } })

/** Lets whoever follows read what there is. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A job that joins another one, and what its caller sees. */
function joining() {
  const logs = createMemoryLogs()
  let end = (_ending: Ending) => {}
  let fail = (_error: Error) => {}
  const ended = new Promise<Ending>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  ended.catch(() => {})
  const seen: string[] = []
  const data: StreamPart['data'][] = []
  const reading = (async () => {
    const following = followAnswer(logs, 'late', ended)
    for (;;) {
      const { done, value } = await following.next()
      if (done) return { whole: value, seen }
      seen.push(value.restart ? 'RESTART' : value.text)
      data.push(value.data)
    }
  })()
  return { logs, reading, seen, data, end: (paidBy: string | null) => end({ paidBy }), fail }
}

/** The same, when half of the payer's answer was shown. */
async function halfHeard() {
  const joined = joining()
  joined.logs.open('payer', 1).write(chunk('half'))
  await joined.logs.join('late', 'payer')
  await turn()
  return joined
}

it('who joins late is given the other one’s answer from its start, while it goes on', async () => {
  const { logs, reading, seen, end } = joining()
  const payer = logs.open('payer', 1)
  payer.write(chunk('a'))
  await logs.join('late', 'payer')
  payer.write(chunk('b'))
  await turn()
  expect(seen).toEqual(['a', 'b'])
  payer.write(chunk('c'))
  await payer.end()
  end('payer/1')
  expect(await reading).toEqual({ whole: true, seen: ['a', 'b', 'c'] })
})

it('what the other one’s answer says of who asked is not passed on', async () => {
  const { logs, reading, data, end } = joining()
  const payer = logs.open('payer', 1)
  const response = { id: 'resp_1', status: 'in_progress', metadata: { patient: '7' }, user: 'ann' }
  payer.write({ text: '', data: { type: 'response.created', response } })
  payer.write({ text: 'a', data: { type: 'response.output_text.delta', delta: 'a' } })
  await logs.join('late', 'payer')
  await turn()
  const told = { id: 'resp_1', status: 'in_progress', metadata: {}, user: null }
  expect(data).toEqual([
    { type: 'response.created', response: told },
    { type: 'response.output_text.delta', delta: 'a' },
  ])
  payer.write({ text: '', data: { type: 'response.completed', response } })
  await payer.end()
  end('payer/1')
  await reading
  expect(data.at(-1)).toEqual({ type: 'response.completed', response: told })
})

it('the payer dies midway and its job is taken over: the answer starts over', async () => {
  const { logs, reading, end } = await halfHeard()
  await logs.join('late', 'payer')
  const again = logs.open('payer', 2)
  again.write(chunk('whole'))
  await again.end()
  end('payer/2')
  expect(await reading).toEqual({ whole: true, seen: ['half', 'RESTART', 'whole'] })
})

it('another one that waits takes over: its answer is followed from the start', async () => {
  const { logs, reading, end } = await halfHeard()
  await logs.join('late', 'heir')
  const heir = logs.open('heir', 1)
  heir.write(chunk('whole'))
  await heir.end()
  end('heir/1')
  expect(await reading).toEqual({ whole: true, seen: ['half', 'RESTART', 'whole'] })
})

it('it has to call itself: its own words replace what was shown', async () => {
  const { logs, reading, end } = await halfHeard()
  const own = logs.open('late', 1)
  own.write(chunk('mine'))
  await own.end()
  end(null)
  expect(await reading).toEqual({ whole: true, seen: ['half', 'RESTART', 'mine'] })
})

it('nothing was shown: nothing starts over', async () => {
  const { logs, reading, end } = joining()
  await logs.join('late', 'payer')
  await turn()
  const own = logs.open('late', 1)
  own.write(chunk('mine'))
  await own.end()
  end(null)
  expect(await reading).toEqual({ whole: true, seen: ['mine'] })
})

it('an answer that somebody else paid for is not taken for the one that was shown', async () => {
  const { logs, reading, end } = joining()
  const payer = logs.open('payer', 1)
  payer.write(chunk('cut short'))
  await logs.join('late', 'payer')
  await payer.end()
  end('stranger/1')
  expect(await reading).toEqual({ whole: false, seen: ['cut short'] })
})

it('the request fails while the other one is followed: the caller is not told that it is whole', async () => {
  const { logs, reading, fail } = joining()
  logs.open('payer', 1).write(chunk('half'))
  await logs.join('late', 'payer')
  await turn()
  fail(new Error('expired'))
  expect(await reading).toEqual({ whole: false, seen: ['half'] })
})

it('whenever one joins, and whoever pays in the end: the text is whole, once, in order', async () => {
  const texts = fc.array(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })
  const law = fc.asyncProperty(
    texts,
    texts,
    fc.nat(12),
    fc.nat(12),
    fc.boolean(),
    async (first, second, joinsAt, diesAt, isOwn) => {
      const { logs, reading, end } = joining()
      const payer = logs.open('payer', 1)
      for (const [at, text] of first.entries()) {
        if (at === joinsAt) await logs.join('late', 'payer')
        if (at === diesAt) break
        payer.write(chunk(text))
        if (at % 3 === 0) await turn()
      }
      if (joinsAt >= first.length) await logs.join('late', 'payer')
      const survives = diesAt >= first.length
      if (survives) await payer.end()
      const heir = isOwn ? 'late' : 'heir'
      if (!survives) {
        if (!isOwn) await logs.join('late', heir)
        const writer = logs.open(heir, 1)
        for (const text of second) writer.write(chunk(text))
        await writer.end()
      }
      end(survives ? 'payer/1' : isOwn ? null : `${heir}/1`)
      const { whole, seen } = await reading
      const shown = seen.slice(seen.lastIndexOf('RESTART') + 1)
      expect({ whole, text: shown.join('') }).toEqual({
        whole: true,
        text: (survives ? first : second).join(''),
      })
    },
  )
  await fc.assert(law, { numRuns: 80 })
})
