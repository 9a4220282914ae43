import { expect, test } from 'vitest'
import { sentText, ThinBody, ThinHeaders, ThinResponse } from '../../src/provider/thin-response.ts'

async function received(text: string): Promise<object> {
  const body = new ThinBody()
  body.push(Buffer.from(text))
  body.end()
  const value = await new ThinResponse('', 200, new ThinHeaders({}), body).json()
  if (typeof value !== 'object' || value === null) throw new Error('an object was sent')
  return value
}

test('what came in one line is passed on as it came', async () => {
  const text = '{"id":"a","text":"two\\nlines","n":1.0}'
  expect(sentText(await received(text))).toBe(text)
})

test('what came in many lines is written anew, shorter', async () => {
  expect(sentText(await received('{\n  "id": "a"\n}'))).toBeUndefined()
})

test('a value that nobody sent has no text', () => {
  expect(sentText({ id: 'a' })).toBeUndefined()
})
