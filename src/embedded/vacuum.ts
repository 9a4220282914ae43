import { messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { PglitePool } from './pool.ts'

export interface VacuumOptions {
  /** Between two looks, ms. */
  readonly everyMs?: number
  /** Until the first look, ms: what a killed process left behind, once the start is over. */
  readonly firstMs?: number
  readonly logger?: Logger | undefined
}

export interface Vacuum {
  /** Looks now. @returns the tables that were cleaned, with their schema. */
  run(): Promise<string[]>
  /** Waits for a run under way. Safe to call twice. */
  stop(): Promise<void>
}

const EVERY_MS = 600_000
const FIRST_MS = 10_000

// As autovacuum judges, but later: each run blocks everything for its time. Statistics begin anew after a kill, so a
// table of some size that was never cleaned since counts as due.
const DUE = `
  select format('%I.%I', schemaname, relname) as name
  from pg_stat_user_tables
  where n_dead_tup > $1 + n_live_tup / 5
     or (last_vacuum is null and n_tup_upd + n_tup_del > 0 and pg_relation_size(relid) > $2)
  order by relname`
const DEAD_ROWS = 1_000
const LARGE_BYTES = 8 * 1024 * 1024

/**
 * Cleans tables that hold many dead rows, one at a time, so that other work comes in between: PGlite has no
 * autovacuum. Its timer does not keep the process alive.
 */
export function scheduleVacuum(pool: PglitePool, options: VacuumOptions = {}): Vacuum {
  const { everyMs = EVERY_MS, firstMs = FIRST_MS, logger } = options
  let stopped = false
  let running: Promise<string[]> = Promise.resolve([])

  async function clean(): Promise<string[]> {
    const cleaned: string[] = []
    // What the last second did is otherwise counted with a later statement.
    await pool.query('select pg_stat_force_next_flush()')
    const { rows } = await pool.query<{ name: string }>(DUE, [DEAD_ROWS, LARGE_BYTES])
    for (const { name } of rows) {
      if (stopped) break
      const startedMs = performance.now()
      await pool.query(`vacuum (analyze) ${name}`)
      logger?.debug({ table: name, ms: Math.round(performance.now() - startedMs) }, 'vacuumed')
      cleaned.push(name)
    }
    return cleaned
  }
  const run = () => {
    running = running.then(clean, clean)
    return running
  }

  let timer = setTimeout(look, firstMs).unref()
  function look(): void {
    run()
      .catch((error: unknown) => logger?.warn({ reason: messageOf(error) }, 'vacuum failed'))
      .finally(() => {
        if (!stopped) timer = setTimeout(look, everyMs).unref()
      })
  }

  return {
    run,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running.catch(() => {})
    },
  }
}
