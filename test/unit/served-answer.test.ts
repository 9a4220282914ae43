import { expect, test } from 'vitest'
import { readCacheEntry, responseOf, writeCacheEntry } from '../../src/cache/responses/entry.ts'
import { readAnswer } from '../../src/client/answer.ts'
import { cachedReceipt } from '../../src/queue/receipt-record.ts'
import { ServedAnswer } from '../../src/queue/result-body.ts'

const response = {
  id: 'chatcmpl-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris' }, finish_reason: 'stop' }],
}

function entry() {
  const read = readCacheEntry(writeCacheEntry('gpt-6-sol', 'openai', JSON.stringify(response)))
  if (!read) throw new Error('the entry is whole')
  return read
}

const served = (kept = entry()) => {
  const receipt = cachedReceipt({ id: 'j1', model: 'auto' }, 1, [
    { key: 'company:2026-11', limitNano: 5_000_000_000 },
  ])
  return new ServedAnswer(kept, receipt, [1_000_000_000])
}

test('an entry says who made it and what is seen of it', () => {
  expect(entry()).toMatchObject({ model: 'gpt-6-sol', provider: 'openai', text: 'Paris' })
  expect(responseOf(entry())).toEqual(response)
})

test.each(['', 'null', '[]', '{"model":"m","provider":"p"}', '{"model":1,"response":{}}'])(
  '%s is no entry',
  (text) => {
    expect(readCacheEntry(text)).toBeNull()
  },
)

test('who is served an answer from the cache is told all of it', () => {
  const answer = readAnswer(served())
  expect(answer.text).toBe('Paris')
  expect(answer.response).toEqual(response)
  expect(answer.receipt).toMatchObject({
    ...{ cache: 'hit', modelServed: 'gpt-6-sol', provider: 'openai', costNano: 0 },
    ...{ left: '1.00', tightest: 'company:2026-11' },
  })
})

test('an answer is copied, spread and written as any object is', () => {
  const answer = readAnswer(served())
  expect(Object.keys(answer).sort()).toEqual(['receipt', 'response', 'text'])
  expect(JSON.parse(JSON.stringify(answer)).response).toEqual(response)
  expect({ ...answer }.response).toEqual(response)
  expect(structuredClone(answer).response).toEqual(response)
})

test('what one caller does to its answer no other sees', () => {
  const kept = entry()
  const [mine, theirs] = [
    readAnswer<typeof response>(served(kept)),
    readAnswer<typeof response>(served(kept)),
  ]
  mine.response.choices.length = 0
  expect(mine.response.choices).toEqual([])
  expect(theirs.response).toEqual(response)
})
