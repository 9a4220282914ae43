import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyDatabase } from '../helpers/postgres.ts'
import { bursar, start } from './cli-harness.ts'

const PRICED = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'hello' }] }

test('migrate brings an empty database to this version, and again changes nothing', async () => {
  const env = { DATABASE_URL: await emptyDatabase() }
  expect(await bursar(['migrate'], env)).toMatchObject({ code: 0, stderr: '' })
  expect(await bursar(['migrate'], env)).toMatchObject({ code: 0, stderr: '' })
})

test('migrate without an address says which variable to set', async () => {
  const { code, stderr } = await bursar(['migrate'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error INVALID_OPTIONS: DATABASE_URL is not set/)
  expect(stderr).not.toContain('    at ')
})

test('LOG_LEVEL=debug adds the stack of an error', async () => {
  const { stderr } = await bursar(['migrate'], { LOG_LEVEL: 'debug' })
  expect(stderr).toContain('    at ')
})

test('sandbox says where it listens, answers, writes its bill, and ends when told to', async () => {
  const bill = join(await mkdtemp(join(tmpdir(), 'bursar-cli-')), 'bill.jsonl')
  const stop = new AbortController()
  const running = start(['sandbox', '--bill', bill, '--seed', '7'], {}, stop.signal)
  const [line] = await once(running.stdout, 'data')
  const { url } = JSON.parse(String(line))
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
    body: JSON.stringify(PRICED),
  })
  expect(response.status).toBe(200)
  await response.json()
  expect(JSON.parse(await readFile(bill, 'utf8'))).toMatchObject({ model: 'gpt-6-luna' })
  stop.abort()
  expect((await running.ended).code).toBe(0)
  await expect(fetch(url)).rejects.toThrow()
})

test.each([
  [['sandbox', '--faults', 'earthquake:1'], /unknown fault "earthquake": use one of/],
  [['sandbox', '--port', '99999'], /whole number from 0 to 65535/],
  [['doctor', '--nope'], /unknown option '--nope'/],
  [['frobnicate'], /unknown command 'frobnicate'/],
])('%j is refused with INVALID_ARGUMENT and the mend', async (argv, message) => {
  const { code, stdout, stderr } = await bursar(argv)
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^error INVALID_ARGUMENT: /)
  expect(stderr).toMatch(message)
})
