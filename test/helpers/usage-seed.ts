import { sql } from 'drizzle-orm'
import { accumulate } from '../../src/ledger/cubes/accumulate.ts'
import { entryFacts, requestFacts } from '../../src/ledger/cubes/facts.ts'
import { type Ledger, run } from '../../src/ledger/ledger.ts'

/** What is written by `seedUsage`. */
export interface Seed {
  readonly calls: number
  /** Admissions lie evenly between these, UTC ms. */
  readonly fromMs: number
  readonly toMs: number
}

// Text in which every CSV, spreadsheet, JSON and terminal trips over something.
export const HOSTILE = '=cmd|"/C calc"!A1,\u001b[2J\r\nnext;\u202e🦜'

/**
 * Fills a ledger's entries, requests and cubes without a slot: some tenants, users and models, tags, calls of which nobody knows the
 * tokens, hostile names, and as many requests, a quarter of them from the cache and an eighth refused. The same every time.
 */
export async function seedUsage(ledger: Ledger, { calls, fromMs, toMs }: Seed): Promise<void> {
  const stepMs = Math.floor((toMs - fromMs) / calls)
  await run(
    ledger.db,
    sql`
    insert into entries (attempt, job, n, status, epoch, rev, seq, cost_nano, hold_nano,
      overrun_nano, windows, rung, cap, admitted_at_ms, posted_at_ms, tenant, user_id, tier, tags,
      operation, urgency, model_requested, enqueued_at_ms, model, provider, price_version,
      policy_version, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      reasoning_tokens, list_nano, service_tier, started_at_ms, ended_at_ms)
    select 'job-' || i || '/a', 'job-' || i, 1,
      case when i % 50 = 0 then 'unconfirmed' else 'confirmed' end, 0, 1, i || '-0',
      (i * 7919) % 1000003, 2000000, 0, array['company:2026'], 0, 4096,
      ${fromMs}::bigint + i * ${stepMs}::bigint, ${fromMs}::bigint + i * ${stepMs}::bigint + 900,
      case when i % 97 = 0 then ${HOSTILE} else 'tenant-' || (i * i) % 23 end,
      'u' || (i * 31) % 211, case when i % 3 = 0 then 'premium' else 'basic' end,
      case when i % 4 = 0 then '{}'::jsonb else jsonb_build_object('feature', 'f' || i % 7,
        'bursar.run', 'run-' || i / 100, 'note', ${HOSTILE}::text) end,
      case when i % 5 = 0 then 'embeddings' else 'chat.completions' end, 'interactive', 'auto',
      ${fromMs}::bigint + i * ${stepMs}::bigint, 'gpt-6-' || (array['astra', 'sol', 'luna'])[1 + i % 3],
      'openai', 'genai-prices@0.1.8', 1,
      case when i % 50 = 0 then null else i % 900 end, case when i % 50 = 0 then null else i % 90 end,
      case when i % 50 = 0 then null else 0 end, case when i % 50 = 0 then null else i % 400 end,
      case when i % 50 = 0 then null else i % 40 end,
      case when i % 50 = 0 then null else (i * 7919) % 1000003 + i % 11 end, 'default',
      ${fromMs}::bigint + i * ${stepMs}::bigint, ${fromMs}::bigint + i * ${stepMs}::bigint + 800
    from generate_series(0, ${calls - 1}::bigint) i`,
  )
  await run(
    ledger.db,
    sql`
    insert into requests (job, outcome, reason, tenant, user_id, tier, tags, operation, urgency,
      model_requested, enqueued_at_ms, ended_at_ms, epoch, seq, saved_nano, model, provider, service_tier)
    select job, case when number % 8 = 1 then 'refused' when number % 4 = 2 then 'cached' else 'answered' end, '',
      tenant, user_id, tier, tags, operation, urgency, model_requested, enqueued_at_ms,
      posted_at_ms, 0, seq, case when number % 4 = 2 then 500 else null end, model, provider, service_tier
    from (select *, replace(job, 'job-', '')::bigint as number from entries) entry`,
  )
  await accumulate(ledger.db, [], entryFacts('entries'))
  await accumulate(ledger.db, [], requestFacts('requests'))
}
