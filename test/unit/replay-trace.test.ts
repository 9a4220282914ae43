import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { test as base, describe, expect } from 'vitest'
import { checkTrace } from '../../src/cli/replay/check-trace.ts'
import { copyPolicy } from '../../src/cli/replay/policy-copy.ts'
import { readTrace } from '../../src/cli/replay/trace.ts'
import type { TraceFormat, TraceRow } from '../../src/cli/replay/trace-types.ts'

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens'
const LINE = '2023-11-16 18:15:46.6805900,374,44'

/** Writes a trace and gives its path. */
type Write = (bytes: string | Buffer) => Promise<string>

const test = base.extend<{ write: Write }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  write: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'bursar-trace-'))
    const file = join(folder, 'trace.txt')
    await use(async (bytes) => {
      await writeFile(file, bytes)
      return file
    })
    await rm(folder, { recursive: true })
  },
})

async function rowsOf(file: string, format: TraceFormat): Promise<TraceRow[]> {
  const rows: TraceRow[] = []
  for await (const row of readTrace(file, format, 1_000)) rows.push(row)
  return rows
}

const { policy } = await copyPolicy('bursar.yaml', {})
const check = (file: string, format: TraceFormat) => checkTrace(file, format, policy, () => {})

describe('azure', () => {
  test('reads times as UTC, to the millisecond, and both sizes', async ({ write }) => {
    const file = await write(`${HEADER}\n${LINE}\n2023-11-16 18:15:50,396,109`)
    expect(await rowsOf(file, 'azure')).toEqual([
      {
        index: 0,
        line: 2,
        atMs: Date.UTC(2023, 10, 16, 18, 15, 46, 680),
        recorded: { kind: 'sizes', inputTokens: 374, outputTokens: 44 },
      },
      {
        index: 1,
        line: 3,
        atMs: Date.UTC(2023, 10, 16, 18, 15, 50),
        recorded: { kind: 'sizes', inputTokens: 396, outputTokens: 109 },
      },
    ])
  })

  test('does not mind a byte order mark, CRLF and empty lines', async ({ write }) => {
    const file = await write(`\uFEFF${HEADER}\r\n\r\n${LINE}\r\n\n`)
    expect(await rowsOf(file, 'azure')).toMatchObject([{ index: 0, line: 3 }])
  })

  test.for([
    ['1,2,3', 1, 'is no header of the azure format: write TIMESTAMP'],
    [`${HEADER}\n${LINE}\n2023-11-16 18:15:46.68,374`, 3, 'has no three fields'],
    [`${HEADER}\n2023-02-30 18:15:46,1,2`, 2, 'has no time in "2023-02-30 18:15:46"'],
    [`${HEADER}\nyesterday,1,2`, 2, 'has no time in "yesterday"'],
    [`${HEADER}\n2023-11-16 18:15:46,-1,2`, 2, 'has ContextTokens "-1": write a whole number'],
    [`${HEADER}\n2023-11-16 18:15:46,1,1e9`, 2, 'has GeneratedTokens "1e9"'],
    [`${HEADER}\n2023-11-16 18:15:46,900000,1`, 2, 'is no request: the request is'],
  ] as const)('names the place and the mend of %j', async ([text, line, message], { write }) => {
    const file = await write(text)
    await expect(check(file, 'azure')).rejects.toMatchObject({
      code: 'INVALID_TRACE',
      message: expect.stringContaining(`${file}:${line} ${message}`),
      detail: { file, line },
    })
  })
})

describe('jsonl', () => {
  const body = '"model":"auto","messages":[{"role":"user","content":"hi"}]'

  test('reads bodies, and times in ISO, seconds, ms or steps from the line before', async ({
    write,
  }) => {
    const times = ['"timestamp":"2023-11-16T18:00:00Z",', '"timestamp":1700157601,', '']
    const file = await write([...times.map((time) => `{${time}${body}}`)].join('\n'))
    const rows = await rowsOf(file, 'jsonl')
    const firstMs = Date.UTC(2023, 10, 16, 18)
    expect(rows.map(({ atMs }) => atMs)).toEqual([firstMs, firstMs + 1_000, firstMs + 1_100])
    expect(rows[0]?.recorded).toMatchObject({ kind: 'body', fields: { model: 'auto' } })
  })

  test.for([
    ['{', 1, 'is no JSON: write one object on each line'],
    [`{${body}}\n[]`, 2, 'is no JSON object'],
    [`{"timestamp":"noon",${body}}`, 1, 'has a timestamp that is none'],
    ['{"model":"auto"}', 1, 'is no request: messages is missing'],
    [`{"tier":"gold",${body}}`, 1, 'is no request: no tier is called "gold"'],
  ] as const)('names the place and the mend of %j', async ([text, line, message], { write }) => {
    const file = await write(text)
    await expect(check(file, 'jsonl')).rejects.toMatchObject({
      code: 'INVALID_TRACE',
      message: expect.stringContaining(`${file}:${line} ${message}`),
    })
  })

  test('takes streams and job ids of recorded requests in its stride', async ({ write }) => {
    const file = await write(`{"stream":true,"stream_options":{},"jobId":"x",${body}}`)
    expect(await check(file, 'jsonl')).toMatchObject({ rows: 1 })
  })
})

describe('the file', () => {
  test('invalid UTF-8 is one error with its line', async ({ write }) => {
    const file = await write(Buffer.concat([Buffer.from(`${HEADER}\n${LINE}\n`), Buffer.of(0xff)]))
    await expect(check(file, 'azure')).rejects.toMatchObject({
      code: 'INVALID_TRACE',
      message: `${file}:3 is no valid UTF-8: save the file as UTF-8`,
    })
  })

  test('a missing file and one without requests say so', async ({ write }) => {
    await expect(check('/nowhere/trace.csv', 'azure')).rejects.toMatchObject({
      code: 'INVALID_TRACE',
      message: expect.stringMatching(/^\/nowhere\/trace\.csv cannot be read .*ENOENT/),
    })
    const file = await write(`${HEADER}\n`)
    await expect(check(file, 'azure')).rejects.toThrow(`${file} has no requests`)
  })

  test('a line is read whole wherever the chunks of the file end', async ({ write }) => {
    const law = fc.asyncProperty(
      fc.array(fc.nat(300_000), { minLength: 1, maxLength: 4 }),
      async (sizes) => {
        const lines = sizes.map((size) => `{${'"content":'}"${'é'.repeat(size)}"}`)
        const rows = await rowsOf(await write(lines.join('\n')), 'jsonl')
        const lengths = rows.map(({ recorded }) =>
          recorded.kind === 'body' ? String(recorded.fields.content).length : -1,
        )
        expect(lengths).toEqual(sizes)
      },
    )
    await fc.assert(law, { numRuns: 20 })
  })
})
