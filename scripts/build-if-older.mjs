// What the tests need compiled: as `npm run build`, but what is younger than all that it is made from is left as it is.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const sources = [
  ...['src', 'workers', 'jobs', 'sandbox', 'package-lock.json', 'tsconfig.json'],
  ...['tsdown.config.ts', 'scripts/where-sources-stand.ts'],
]
/** One file of each build in `tsdown.config.ts`. */
const compiled = ['dist/src/cli/main.js', 'dist/types/client.d.ts', 'packages/client/dist/index.js']

/** When the youngest file in there changed, ms; a folder changes when a file of it goes. */
function changedMs(path) {
  const entry = statSync(path)
  if (!entry.isDirectory()) return entry.mtimeMs
  const inside = readdirSync(path).map((name) => changedMs(join(path, name)))
  return Math.max(entry.mtimeMs, ...inside)
}

/** 0 = it was never compiled. */
const compiledMs = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0

const youngest = Math.max(...sources.map((path) => changedMs(join(root, path))))
const isFresh = Math.min(...compiled.map(compiledMs)) > youngest
const { status } = spawnSync('npm', ['run', isFresh ? 'build:template' : 'build'], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
