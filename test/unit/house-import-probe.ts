/**
 * Imports everything that is built in a process of its own and prints, as one JSON object, what that opened and which
 * variables of the environment it read. Run by house-imports.test.ts.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))
// Importing them is running them.
const PROGRAMS = ['src/cli/main.js', 'sandbox/main.js']

const modules = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.js') && !PROGRAMS.includes(path))
  .sort()

const readings = new Set<string>()
/** A library may look at the environment; our own code may not. */
function noteReading(name: string): void {
  const caller = new Error().stack?.split('\n')[3] ?? ''
  if (caller.includes(dist)) readings.add(`${name} ${caller.trim()}`)
}
process.env = new Proxy(process.env, {
  get(target, name) {
    noteReading(String(name))
    return Reflect.get(target, name)
  },
  ownKeys(target) {
    noteReading('*')
    return Reflect.ownKeys(target)
  },
})

// Node opens them when they are first asked for, and libraries ask whether they are terminals.
void [process.stdout, process.stderr]
const before = process.getActiveResourcesInfo()
for (const module of modules) await import(`${dist}${module}`)
const opened = process.getActiveResourcesInfo()
for (const resource of before) {
  const at = opened.indexOf(resource)
  if (at >= 0) opened.splice(at, 1)
}
const report = JSON.stringify({ modules: modules.length, opened, readings: [...readings] })
// What was opened must not keep the report from being read.
process.stdout.write(report, () => process.exit(0))
