import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { BursarError, messageOf } from '../errors.ts'
import type { PriceBookOf } from '../pricing/types.ts'
import type { Environment } from './options.ts'
import { build, namesOf } from './policy-assemble.ts'
import { checkDefaults, checkNames } from './policy-checks.ts'
import { readDocument } from './policy-document.ts'
import { readDraft } from './policy-draft.ts'
import { invalidPolicy, type PolicyProblem, type Report } from './policy-errors.ts'
import { checkAllowed, checkPrices, type PlacedRung } from './policy-ladders.ts'
import { dropUnset } from './policy-providers.ts'
import type { Policy } from './policy-types.ts'

/** Everything beside the text that a policy is judged by. */
export interface PolicyContext {
  /** Values of `${NAME}`. */
  readonly env: Environment
  /** `createPriceBook`: pricing stands above this room, so it is handed down. */
  readonly prices: PriceBookOf
  /** Name shown in errors. */
  readonly file?: string
  /** When prices are looked up, UTC ms; absent = now. Later price changes in the file are looked up too. */
  readonly nowMs?: number
}

/**
 * Reads a policy.
 * @param text - bursar.yaml, at most 1 MiB.
 * @returns the policy with version 0, names resolved and defaults filled in; `warnings` says what was left out.
 * @throws {BursarError} INVALID_POLICY whose message and `detail.problems` name every mistake at once, each with
 *   its line, column and mend.
 */
export function parsePolicy(text: string, context: PolicyContext): Policy {
  const { env, prices, file = 'bursar.yaml', nowMs = Date.now() } = context
  const document = readDocument(text, file, env)
  const problems: PolicyProblem[] = []
  const report: Report = (path, message, where) =>
    void problems.push(document.problem(path, message, where))
  const { value, dropped } = dropUnset(document, report)
  const draft = readDraft(value, report)
  const names = namesOf(document)
  checkDefaults(draft, report)
  checkNames(value, draft, names, report)
  const { policy, ladders } = build(document, draft, dropped, names, report)
  // A price judged by a wrong provider or a wrong price list would be one mistake told twice.
  if (!problems.some(({ path }) => /^(providers|prices|multipliers|unknown_models)/.test(path))) {
    judgePrices(policy, ladders, { prices, nowMs }, report)
  }
  if (problems.length > 0) throw invalidPolicy(file, problems)
  return policy
}

/**
 * Reads the policy file.
 * @throws {BursarError} POLICY_MISSING when it cannot be read, INVALID_POLICY as `parsePolicy`.
 */
export async function loadPolicy(path: string, context: PolicyContext): Promise<Policy> {
  return parsePolicy(decode(path, await readPolicyFile(path)), { file: basename(path), ...context })
}

/**
 * Reads the bytes of the policy file.
 * @throws {BursarError} POLICY_MISSING saying which variable names the file.
 */
export async function readPolicyFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BursarError(
      'POLICY_MISSING',
      `the policy ${path} cannot be read (${messageOf(cause)}); set BURSAR_POLICY to its path`,
      { cause, detail: { path } },
    )
  }
}

/** @throws {BursarError} INVALID_POLICY when the bytes are no UTF-8. */
export function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const file = basename(path)
    const message = 'is no valid UTF-8; save it as UTF-8'
    throw invalidPolicy(file, [{ file, line: 1, column: 1, path: '', message }])
  }
}

function judgePrices(
  policy: Policy,
  ladders: ReadonlyMap<string, readonly PlacedRung[]>,
  { prices, nowMs }: { readonly prices: PriceBookOf; readonly nowMs: number },
  report: Report,
): void {
  const book = prices(policy)
  const told = new Set<string>()
  const once: Report = (path, message, where) => {
    if (!told.has(path.join())) report(path, message, where)
    told.add(path.join())
  }
  const later = policy.prices.map((price) => price.effectiveFromMs).filter((ms) => ms > nowMs)
  for (const atMs of [nowMs, ...later.toSorted((a, b) => a - b)]) {
    for (const rungs of ladders.values()) checkPrices(rungs, policy, book, atMs, once)
    for (const tier of Object.values(policy.tiers)) {
      checkAllowed(tier.models, ['tiers', tier.name, 'models'], policy, book, atMs, once)
    }
  }
}
