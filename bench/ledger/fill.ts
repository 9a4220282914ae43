import { sql } from 'drizzle-orm'
import { addToCube, rowsFromFiner, rowsOfCube } from '../../src/ledger/cubes/accumulate.ts'
import { CUBES } from '../../src/ledger/cubes/cubes.ts'
import { entryFacts, requestFacts } from '../../src/ledger/cubes/facts.ts'
import { type Ledger, run } from '../../src/ledger/ledger.ts'
import { type Month, partitionName } from '../../src/ledger/partitions.ts'

/** A month of a company that is made up: the same for the same seed, and made by the database itself. */
export interface MonthOfCalls {
  readonly seed: number
  readonly month: Month
  readonly tenants: number
  /** Number of its first call, and how many there are. */
  readonly from: number
  readonly calls: number
}

/** Offices are busy by day: each hour as often as it is likely. */
const HOURS = [...Array(24).keys()].flatMap((hour) =>
  Array<number>(hour >= 8 && hour < 19 ? 4 : 1).fill(hour),
)

/** Every call of the month with its chances, which are hashes of its number. */
function drawn({ seed, month, tenants, from, calls }: MonthOfCalls): string {
  const chance = (k: number) =>
    `((hashint8extended(n, ${seed * 100 + k}) & 1073741823)::float8 / 1073741824)`
  const days = Math.round((month.toMs - month.fromMs) / 86_400_000)
  return `
    select n, least(${tenants - 1}, floor(power(${tenants + 1}, ${chance(1)})) - 1)::int as rank,
      ${chance(2)} as r2, floor(4 * ${chance(3)} * ${chance(9)})::int as rung,
      ${month.fromMs} + floor(${days} * ${chance(4)})::bigint * 86400000
        + (array[${HOURS.join(',')}])[1 + floor(${HOURS.length} * ${chance(5)})::int]::bigint * 3600000
        + floor(3600000 * ${chance(6)})::bigint as at,
      50 + floor(2000 * ${chance(7)})::bigint as input, 20 + floor(600 * ${chance(8)})::bigint as output,
      floor(200 * ${chance(10)})::bigint as cached, floor(100 * ${chance(11)})::bigint as reasoning,
      300 + floor(4000 * ${chance(12)})::bigint as wanted, ${chance(13)} < 0.004 as lost, ${chance(14)} as r14
    from generate_series(${from}::bigint, ${from + calls - 1}::bigint) n`
}

const CALL_COLUMNS = `attempt, job, n, status, epoch, rev, seq, cost_nano, hold_nano, overrun_nano, windows, rung, cap,
  admitted_at_ms, posted_at_ms, tenant, user_id, tier, tags, operation, urgency, model_requested, enqueued_at_ms, model,
  provider, input_tokens_held, price_version, policy_version, seen, http_status, input_tokens, cached_input_tokens,
  cache_write_tokens, output_tokens, reasoning_tokens, list_nano, served_model, service_tier, provider_request_id,
  estimated, started_at_ms, ended_at_ms`

const calls = (of: MonthOfCalls): string => `
  insert into ${partitionName('entries', of.month)} (${CALL_COLUMNS})
  select 'job-' || n || '/a', 'job-' || n, 1, case when lost then 'unconfirmed' else 'confirmed' end, 0, 1, n || '-0',
    cost, 2 * cost, 0, array['company:' || left(day, 7), 'tenants/' || tenant || ':' || left(day, 7),
      'tier.' || tier || '/' || tenant || '/' || who || ':' || day], rung, 4096, at, at + took,
    tenant, who, tier, jsonb_build_object('feature', (array['tutor','search','summary','support','translate','code'])
      [1 + floor(6 * r14 * r14)::int], 'bursar.key', 'key-' || rank || '-' || mod(person, 2))
      || case when r14 < 0.03 then jsonb_build_object('bursar.run', 'run-' || n / 3) else '{}'::jsonb end,
    'chat.completions', case when r14 < 0.9 then 'interactive' else 'deferrable' end, 'auto', at - 20, model, provider,
    input + 100, 'genai-prices@0.1.8', 1, case when not lost then 'answer' end, case when not lost then 200 end,
    case when not lost then input end, case when not lost then cached end, case when not lost then 0 end,
    case when not lost then output end, case when not lost then reasoning end, case when not lost then cost end,
    case when not lost then model end, case when not lost then 'default' end, case when not lost then 'req_' || n end,
    case when not lost then false end, case when not lost then at + 5 end, case when not lost then at + took end
  from (${drawn(of)}) drawn
  cross join lateral (select least(wanted, ${of.month.toMs - 1} - at) as took) ended
  cross join lateral (select mod(floor(power(25, r2))::int, 4 + mod(rank * 7, 21)) as person) p
  cross join lateral (
    select 'tenant-' || lpad(rank::text, 3, '0') as tenant, 'u' || rank || '-' || person as who,
      (array['basic','basic','premium','free','admin'])[1 + mod(rank + person, 5)] as tier,
      (array['gpt-6-luna','gpt-6-sol','gpt-6-astra','local/small'])[1 + rung] as model,
      case rung when 3 then 'local' else 'openai' end as provider,
      (array[60,400,2500,0])[1 + rung] * (input + 4 * (output + reasoning)) as cost,
      to_char(to_timestamp(at / 1000) at time zone 'UTC', 'YYYY-MM-DD') as day
  ) named`

const postings = (month: Month): string => `
  insert into ${partitionName('postings', month)}
  select attempt, epoch, rev, case status when 'unconfirmed' then 'unconfirmed' else 'settled' end, job, n, cost_nano,
    cost_nano, hold_nano, 0, windows, rung, cap, admitted_at_ms, posted_at_ms, seq
  from ${partitionName('entries', month)}`

const ENDS = `job, outcome, reason, tenant, user_id, tier, tags, operation, urgency, model_requested, enqueued_at_ms,
  ended_at_ms, epoch, seq, saved_nano, model, provider, service_tier`

/** The end of each call, and for every fifth another request of the same user that needed none. */
const ends = (month: Month): string => `
  insert into ${partitionName('requests', month)} (${ENDS})
  select job, case status when 'unconfirmed' then 'failed' else 'answered' end, '', tenant, user_id, tier, tags,
    operation, urgency, model_requested, enqueued_at_ms, posted_at_ms, 0, seq, null, model, provider, service_tier
  from ${partitionName('entries', month)}
  union all
  select job || 'c', case when mod(cost_nano, 5) > 0 then 'cached' else 'refused' end, '', tenant, user_id, tier, tags,
    operation, urgency, model_requested, enqueued_at_ms, admitted_at_ms, 0, seq,
    case when mod(cost_nano, 5) > 0 then cost_nano end, null, null, null
  from ${partitionName('entries', month)} where mod(input_tokens, 5) = 0`

const totals = (month: Month): string => `
  insert into window_totals as total
  select left(key, -strpos(reverse(key), ':')), right(key, strpos(reverse(key), ':') - 1), sum(delta_nano), count(*)
  from ${partitionName('postings', month)}, unnest(windows) as key group by key
  on conflict (budget, window_id) do update
  set spent_nano = total.spent_nano + excluded.spent_nano, rows = total.rows + excluded.rows`

/** As the drain would have added them up: a month that has no sums yet. */
function cubes(month: Month): string[] {
  const facts = `(${entryFacts(partitionName('entries', month))}
    union all ${requestFacts(partitionName('requests', month))})`
  return CUBES.map((cube) => {
    const { from } = cube
    if (from === null) return addToCube(cube, rowsOfCube(cube, facts))
    const [time] = from.key
    const own = `(select * from ${from.table} where ${time} >= ${month.fromMs} and ${time} < ${month.toMs})`
    return addToCube(cube, rowsFromFiner(cube, from, own))
  })
}

/** Writes one month straight into the tables. @param onStep - called after each of `FILL_STEPS` steps. */
export async function fillMonth(
  ledger: Ledger,
  of: MonthOfCalls,
  onStep: () => void,
): Promise<void> {
  const { month } = of
  const statements = [calls(of), postings(month), ends(month), totals(month), ...cubes(month)]
  for (const statement of statements) {
    await run(ledger.db, sql.raw(statement))
    onStep()
  }
}

export const FILL_STEPS = 4 + CUBES.length
