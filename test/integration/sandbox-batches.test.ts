import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/server.ts'
import { readBill } from './provider-helpers.ts'

const DAY_MS = 86_400_000
const FIRST_DAY = Date.UTC(2026, 10, 20)

describe('files, batches and costs through the real SDK', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-batches-'))
  const bill = join(folder, 'bill.jsonl')
  let nowMs = FIRST_DAY
  let sandbox: Sandbox
  let client: OpenAI
  beforeAll(async () => {
    sandbox = await startSandbox({ seed: 7, bill, batchMs: 200, now: () => nowMs })
    client = new OpenAI({ apiKey: 'x', adminAPIKey: 'y', baseURL: sandbox.url, maxRetries: 0 })
  })
  afterAll(async () => {
    await sandbox.close()
    rmSync(folder, { recursive: true })
  })

  const chat = (content: string) => ({
    model: 'gpt-6-sol',
    messages: [{ role: 'user' as const, content }],
  })
  const line = (custom_id: string, body: object, url = '/v1/chat/completions') =>
    JSON.stringify({ custom_id, method: 'POST', url, body })

  async function run(lines: string[]): Promise<OpenAI.Batch> {
    const file = await toFile(Buffer.from(lines.join('\n')), 'in.jsonl')
    const { id } = await client.files.create({ file, purpose: 'batch' })
    let batch = await client.batches.create({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    expect(batch.status).toBe('in_progress')
    // The API has no event for this: pollers poll.
    while (batch.status === 'in_progress') {
      await wait(5)
      batch = await client.batches.retrieve(batch.id)
    }
    return batch
  }

  const contentOf = async (id: string | undefined) =>
    (await (await client.files.content(id ?? '')).text())
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))

  test('a batch answers as the single call does, at half the price, under its own ids', async () => {
    const single = await client.chat.completions.create(chat('a'))
    const full = readBill(bill).at(-1)
    const batch = await run([line('job/1', chat('a')), line('job/2', { ...chat('b'), model: 'x' })])
    expect(batch).toMatchObject({
      status: 'completed',
      request_counts: { total: 2, completed: 1, failed: 1 },
    })
    const [done] = await contentOf(batch.output_file_id)
    expect(done).toMatchObject({ custom_id: 'job/1', response: { status_code: 200 }, error: null })
    expect(done.response.body.choices).toEqual(JSON.parse(JSON.stringify(single.choices)))
    const [failed] = await contentOf(batch.error_file_id)
    expect(failed).toMatchObject({ custom_id: 'job/2', response: { status_code: 404 } })
    expect(readBill(bill).filter((one) => one.kind.startsWith('batch.'))).toEqual([
      expect.objectContaining({
        attempt: 'job/1',
        kind: 'batch.chat.completions',
        nano: (full?.nano ?? Number.NaN) / 2,
      }),
    ])
  })

  test('a batch with a bad line fails before anything is billed', async () => {
    const { billed } = sandbox.stats()
    const batch = await run([
      line('a', chat('a')),
      'no json',
      line('a', chat('a')),
      line('b', {}, '/v1/x'),
    ])
    expect(batch.status).toBe('failed')
    expect(batch.errors?.data?.map((one) => [one.line, one.code])).toEqual([
      [2, 'invalid_json_line'],
      [3, 'duplicate_custom_id'],
      [4, 'mismatched_url'],
    ])
    expect(sandbox.stats().billed).toBe(billed)
  })

  test('a cancelled batch is not billed', async () => {
    const { billed } = sandbox.stats()
    const file = await toFile(Buffer.from(line('c', chat('c'))), 'in.jsonl')
    const { id } = await client.files.create({ file, purpose: 'batch' })
    const { id: batchId } = await client.batches.create({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    expect((await client.batches.cancel(batchId)).status).toBe('cancelled')
    // A later batch ends after the cancelled one would have.
    await run([line('d', chat('d'))])
    expect(sandbox.stats().billed).toBe(billed + 1)
    expect((await client.batches.list()).data.map((one) => one.id)).toContain(batchId)
  })

  test('the costs of the organisation are the bill, day by day', async () => {
    nowMs = FIRST_DAY + 2 * DAY_MS
    await client.chat.completions.create({ ...chat('later'), model: 'gpt-6-luna' })
    const costs = await client.admin.organization.usage.costs({
      start_time: FIRST_DAY / 1000,
      limit: 2,
    })
    expect(costs).toMatchObject({ object: 'page', has_more: true })
    const rest = await client.admin.organization.usage.costs({
      start_time: FIRST_DAY / 1000,
      page: costs.next_page ?? '',
      group_by: ['line_item'],
    })
    expect(rest.data[0]?.results).toMatchObject([{ line_item: 'gpt-6-luna' }])
    const usd = [...costs.data, ...rest.data]
      .flatMap((bucket) => bucket.results)
      .map((result) => ('amount' in result ? (result.amount?.value ?? 0) : 0))
    const nano = usd.reduce((sum, value) => sum + Math.round(value * 1e9), 0)
    expect(nano).toBe(readBill(bill).reduce((sum, one) => sum + one.nano, 0))
    expect(costs.data.map((bucket) => bucket.results.length)).toEqual([1, 0])
  })

  test('lists its models and files', async () => {
    expect((await client.models.list()).data.map((model) => model.id)).toContain('gpt-6-astra')
    const { data } = await client.files.list({ purpose: 'batch' })
    expect(data.length).toBeGreaterThan(0)
    const [first] = data
    expect((await client.files.delete(first?.id ?? '')).deleted).toBe(true)
    await expect(client.files.retrieve(first?.id ?? '')).rejects.toMatchObject({ status: 404 })
  })
})
