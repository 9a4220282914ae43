import { parseArgs } from 'node:util'
import type { Bench, Figures } from './bench.ts'

/** Every bench by its name. Figures are ratios within one run: machines differ, ratios less so. */
const BENCHES: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  admission: () => import('./admission.ts'),
  cache: () => import('./cache.ts'),
  governed: () => import('./governed.ts'),
  embedded: () => import('./embedded.ts'),
  fairness: () => import('./fairness.ts'),
  gateway: () => import('./gateway.ts'),
  health: () => import('./health.ts'),
  ledger: () => import('./ledger.ts'),
  questions: () => import('./questions.ts'),
  start: () => import('./start.ts'),
  users: () => import('./users.ts'),
}
/** How long one runs when nobody says, s. */
const SECONDS: Readonly<Record<string, number>> = { users: 60 }
const OTHERS_SECONDS = 3

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    users: { type: 'string' },
    entries: { type: 'string' },
    database: { type: 'string' },
    portkey: { type: 'string' },
    'install-portkey': { type: 'boolean', default: false },
  },
})

const print = (text: string) => process.stdout.write(`${text}\n`)

function table(name: string, figures: Figures): void {
  print(`\n${name}`)
  for (const [label, value] of Object.entries(figures)) print(`  ${label.padEnd(44)} ${value}`)
}

const chosen = positionals.length > 0 ? positionals : Object.keys(BENCHES)
for (const name of chosen) {
  const load = BENCHES[name]
  if (!load) {
    process.stderr.write(`no bench '${name}'; there are ${Object.keys(BENCHES).join(', ')}\n`)
    process.exit(2)
  }
  const { bench } = await load()
  const note = (text: string) => void process.stderr.write(`${name}: ${text}\n`)
  const figures = await bench({
    seconds: Number(values.seconds ?? SECONDS[name] ?? OTHERS_SECONDS),
    note,
    ...(values.users !== undefined && { users: Number(values.users) }),
    ...(values.entries !== undefined && { entries: Number(values.entries) }),
    ...(values.database !== undefined && { database: values.database }),
    ...(values.portkey !== undefined && { portkey: values.portkey }),
    installs: values['install-portkey'],
  })
  if (values.json) print(JSON.stringify({ bench: name, ...figures }))
  else table(name, figures)
}
