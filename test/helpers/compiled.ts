import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Inside the project, where the packages are found that stay outside of it. */
const FOLDER = join(ROOT, 'node_modules', '.cache', 'bursar', `compiled-${process.pid}`)

/** Modules find the files beside them as if they ran from the sources. */
const whereTheyWere: Plugin = {
  name: 'where-they-were',
  transform: (code, id) =>
    code
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      .replaceAll('import.meta.dirname', JSON.stringify(dirname(id))),
}

const known = new Map<string, Promise<string>>()

/**
 * A module of the tests as a process of its own runs it: compiled once by whoever spawns it, which starts in half
 * the time that a loader of sources takes.
 * @returns the path of a module for Node.
 */
export function compiled(source: URL): Promise<string> {
  const file = fileURLToPath(source)
  const made = known.get(file) ?? compile(file)
  known.set(file, made)
  return made
}

async function compile(file: string): Promise<string> {
  if (known.size === 0) {
    mkdirSync(FOLDER, { recursive: true })
    process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }))
  }
  const name = basename(file, '.ts')
  const outDir = join(FOLDER, name)
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    plugins: [whereTheyWere],
    build: { ssr: file, outDir, emptyOutDir: true, target: 'node20', minify: false },
  })
  return join(outDir, `${name}.js`)
}
