import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts'
import { grantHold, type Hold } from '../../src/admission/hold.ts'
import type { ProviderPolicy } from '../../src/config/policy-types.ts'
import { createProvider } from '../../src/provider/provider.ts'
import type { Provider, ProviderRequest } from '../../src/provider/types.ts'

export interface BillLine {
  readonly id: string
  readonly kind: string
  readonly model: string
  readonly service_tier: string
  readonly input: number
  readonly cached: number
  readonly cache_write: number
  readonly output: number
  readonly reasoning: number
  readonly nano: number
  readonly attempt: string
}

/** A sandbox with a bill of its own, and a provider that calls it. */
export interface Bench {
  readonly sandbox: Sandbox
  readonly provider: Provider
  bill(): BillLine[]
  /** The one line of an attempt. */
  billOf(hold: Hold): BillLine | undefined
  close(): Promise<void>
}

export const readBill = (file: string): BillLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** The status codes that a careful operator lists. */
export const UNBILLED = [400, 401, 404, 429]

export const policyFor = (url: string, more: Partial<ProviderPolicy> = {}): ProviderPolicy => ({
  name: 'sandbox',
  baseUrl: url,
  apiKey: 'sk-test',
  prices: 'book',
  timeoutMs: 20_000,
  profile: { unbilledStatus: UNBILLED, abortEndsBill: false, inputMarginPercent: 0 },
  ...more,
})

export const newHold = (): Hold =>
  grantHold({
    attemptId: `job/${randomUUID()}`,
    job: 'job',
    rung: 0,
    holdNano: 1_000_000,
    capTokens: 400,
    n: 1,
    atMs: 0,
    windows: [],
  })

export async function startBench(
  options: Partial<SandboxOptions> = {},
  policy: Partial<ProviderPolicy> = {},
): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-sandbox-'))
  const file = join(folder, 'bill.jsonl')
  const sandbox = await startSandbox({ seed: 7, bill: file, ...options })
  const provider = createProvider({ providers: { sandbox: policyFor(sandbox.url, policy) } })
  return {
    sandbox,
    provider,
    bill: () => readBill(file),
    billOf: (hold) => readBill(file).find((line) => line.attempt === hold.attemptId),
    async close() {
      await provider.close()
      await sandbox.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export const OPERATIONS = ['chat.completions', 'responses', 'embeddings'] as const

/** A small request of each kind, with what the sandbox shall do to it. */
export function requestFor(
  operation: ProviderRequest['operation'],
  metadata: Record<string, string> = {},
  more: Partial<ProviderRequest> = {},
): ProviderRequest {
  const bodies = {
    'chat.completions': { messages: [{ role: 'user', content: 'Explain recursion' }] },
    responses: { input: 'Explain recursion' },
    embeddings: { input: 'Explain recursion' },
  }
  const isText = operation !== 'embeddings'
  return {
    operation,
    provider: 'sandbox',
    model: isText ? 'gpt-6-sol' : 'text-embedding-3-small',
    body: { ...bodies[operation], metadata },
    outputCapTokens: isText ? 400 : null,
    reasoningEffort: isText ? 'low' : null,
    serviceTier: null,
    stream: false,
    ...more,
  }
}
