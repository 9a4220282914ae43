import { basename } from 'node:path'
import { MODELS } from '../../../sandbox/prices.ts'
import type { Environment } from '../../config/options.ts'
import { decode, parsePolicy, readPolicyFile } from '../../config/policy.ts'
import { readDocument } from '../../config/policy-document.ts'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError } from '../../errors.ts'
import { createPriceBook } from '../../pricing/price-book.ts'

/** A policy of a replay's own: what the operator wrote, but every provider is the sandbox. */
export interface PolicyCopy {
  /** As the copy will be, apart from the sandbox's address. */
  readonly policy: Policy
  /** Budget that every request has in its chain. */
  readonly globalBudget: string
  /** The copy as text, for a sandbox at `url`; an answer may take `timeoutMs`. */
  write(url: string, timeoutMs: number): string
}

type Fields = Readonly<Record<string, unknown>>

const ANY_URL = 'http://127.0.0.1:1/v1'
const ANY_TIMEOUT_MS = 60_000
/** Added when no budget is global, so that one counter sees everything; no bill comes near it. */
const TOTAL = { id: 'replay-total', scope: 'global', usd: '9000000', per: 'year', alert_at: [] }

/**
 * Reads a policy for a replay. No key of it is used, and no address: nothing but the sandbox can be reached.
 * @throws {BursarError} POLICY_MISSING, INVALID_POLICY; INVALID_POLICY too for models that the sandbox does not know.
 */
export async function copyPolicy(path: string, env: Environment): Promise<PolicyCopy> {
  const text = decode(path, await readPolicyFile(path))
  const file = basename(path)
  const original = parsePolicy(text, { env, prices: createPriceBook, file })
  const global = original.budgets.find(({ scope }) => scope.kind === 'global')
  const { written } = readDocument(text, file, env)
  const write = (url: string, timeoutMs: number) =>
    JSON.stringify(onSandbox(fields(written), url, timeoutMs, global === undefined))
  const copied = write(ANY_URL, ANY_TIMEOUT_MS)
  const policy = parsePolicy(copied, { env, prices: createPriceBook, file })
  refuseUnknown(policy, path)
  return { policy, globalBudget: global?.id ?? TOTAL.id, write }
}

function onSandbox(written: Fields, url: string, timeoutMs: number, addTotal: boolean): Fields {
  const providers = Object.entries(fields(written.providers)).map(([name, provider]) => [
    name,
    // What a provider allows an account says nothing of the sandbox: a replay would wait for minutes that nobody needs.
    { ...fields(provider), base_url: url, key: 'sandbox', timeout: `${timeoutMs}ms`, limits: {} },
  ])
  const budgets = Array.isArray(written.budgets) ? written.budgets : []
  return {
    ...written,
    providers: Object.fromEntries(providers),
    budgets: addTotal ? [...budgets, TOTAL] : budgets,
  }
}

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {}

function refuseUnknown(policy: Policy, path: string): void {
  const rungs = Object.values(policy.ladders).flat()
  const unknown = rungs.map((rung) => rung.upstreamModel).filter((model) => !MODELS.has(model))
  if (unknown.length === 0) return
  throw new BursarError(
    'INVALID_POLICY',
    `${path}: the sandbox, which answers a replay, does not know ${[...new Set(unknown)].join(', ')}: give --policy a file whose ladders hold only ${[...MODELS.keys()].join(', ')}`,
    { detail: { unknown } },
  )
}
