import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { readJsonBody, readText } from '../../src/gateway/read-body.ts'

const bodyOf = (...chunks: readonly (string | Buffer)[]) => {
  const message = new IncomingMessage(new Socket())
  for (const chunk of chunks) message.push(Buffer.from(chunk))
  return message
}
const whole = (...chunks: readonly (string | Buffer)[]) => {
  const message = bodyOf(...chunks)
  message.complete = true
  message.push(null)
  return message
}

test('a body is put together from its pieces, also where a letter is cut in two', async () => {
  const bytes = Buffer.from('{"a":"ü"}')
  const cut = bytes.indexOf('ü') + 1
  expect(await readText(whole(bytes), 100)).toBe('{"a":"ü"}')
  expect(await readText(whole(bytes.subarray(0, cut), bytes.subarray(cut)), 100)).toBe('{"a":"ü"}')
  expect(await readJsonBody(whole('{"a":', '1}'), 100)).toEqual({ a: 1 })
})

test('one that is too long is refused before its end, and nothing more of it is read', async () => {
  const endless = bodyOf('12345', '67890')
  await expect(readText(endless, 9)).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' })
  expect(endless.destroyed).toBe(true)
  await expect(readText(whole('1234567890'), 10)).resolves.toBe('1234567890')
})

test.each<[string, Buffer]>([
  ['no UTF-8', Buffer.from([0xff, 0xfe])],
  ['no JSON', Buffer.from('{')],
  ['empty', Buffer.alloc(0)],
])('one that is %s is its sender’s mistake', async (_, bytes) => {
  const reading = readJsonBody(whole(bytes), 100)
  await expect(reading).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
})

test('one that breaks off is its sender’s mistake, too', async () => {
  const cut = bodyOf('{"a":')
  const reading = readText(cut, 100)
  cut.destroy()
  await expect(reading).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
})
