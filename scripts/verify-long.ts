/**
 * Replays a whole recorded hour twice, on a Redis and a PostgreSQL of its own: as it is, and with workers killed and a
 * faulty provider. Prints each result; exit code 1 when anything does not agree. About ten minutes on two cores.
 */
import { rm } from 'node:fs/promises'
import { addUpBill, outcomesOf, type Replayed, runReplay } from '../test/e2e/run-replay.ts'
import { findTrace } from '../test/e2e/trace.ts'
import { startPostgres, startRedis } from '../test/helpers/services/index.ts'

const FAULTS =
  '429:0.02,429-retry-after:0.01,500:0.02,stall:0.001,cut:0.01,missing-usage:0.01,overbill:0.005,reset:0.005'
const RUNS = [
  { name: 'two workers', words: [] },
  {
    name: 'two workers, one killed every 3 s, faults',
    words: ['--kill-every', '3', '--faults', FAULTS],
  },
] as const

/** Everything that must hold beside what the replay judged itself. */
async function violations({ code, summary, folder }: Replayed, isFaulty: boolean) {
  if (summary === null) return ['there is no summary']
  const { requests, heldNano, overspendNano, spentNano, ledgerNano, billedNano } = summary
  const billNano = await addUpBill(folder)
  const checks: [boolean, string][] = [
    [code === 0, `exit code ${code}`],
    [outcomesOf(summary) === requests, 'the outcomes do not add up'],
    [heldNano === 0, 'money stays held'],
    [overspendNano === 0, 'a budget is overspent'],
    [spentNano === ledgerNano, 'counters and ledger differ'],
    [billNano === billedNano, `the bill adds up to ${billNano}`],
    [isFaulty || billNano === ledgerNano, 'ledger and bill differ'],
    [ledgerNano >= billNano, 'the ledger is below the bill'],
  ]
  return checks.filter(([holds]) => !holds).map(([, what]) => what)
}

async function main(trace: string): Promise<boolean> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
  const servers = { REDIS_URL: redis.url, DATABASE_URL: postgres.url }
  let isSound = true
  try {
    for (const { name, words } of RUNS) {
      process.stdout.write(`\n== ${name}\n`)
      const fixed = [trace, '--format', 'azure', '--speed', 'max', '--json', '--keep']
      const replayed = await runReplay([...fixed, ...words], servers)
      process.stdout.write(replayed.stdout)
      const wrong = await violations(replayed, words.length > 0)
      if (wrong.length > 0)
        process.stdout.write(`${replayed.stderr}\nFAILED: ${wrong.join('; ')}\n`)
      else await rm(replayed.folder, { recursive: true, force: true })
      isSound &&= wrong.length === 0
    }
  } finally {
    await Promise.all([redis.stop(), postgres.stop()])
  }
  return isSound
}

const trace = findTrace()
if (trace === null) {
  process.stderr.write('set BURSAR_TRACE to the CSV of a recorded trace\n')
  process.exitCode = 1
} else {
  process.exitCode = (await main(trace)) ? 0 : 1
}
