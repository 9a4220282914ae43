import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openEmbeddedDatabase } from '../src/embedded/database.ts'
import { templatesIn } from '../src/embedded/template-cache.ts'
import { type Bench, round } from './bench.ts'
import { openFolder, startService } from './service.ts'

const RESTARTS = 3

async function took(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return round(performance.now() - startMs, 0)
}

const PARTS = ['src/runtime.js', 'workers/main.js'].map((file) =>
  join(import.meta.dirname, '..', file),
)

/** What Node needs for our code alone: it is loaded, and nothing of it runs. */
const loading = () =>
  promisify(execFile)(process.execPath, [
    ...['--input-type=module', '--eval'],
    PARTS.map((file) => `await import(${JSON.stringify(file)})`).join('\n'),
  ])

/** From the birth of an embedded `bursar start` until it listens, on a folder of its own, and what of it is what. */
export const bench: Bench = async ({ note }) => {
  const folder = await openFolder()
  try {
    note('the database of a first start, without and with a template')
    const templates = templatesIn(join(folder.path, 'templates'))
    const open = async (name: string) =>
      (await openEmbeddedDatabase({ folder: join(folder.path, name), templates })).close()
    const openWithoutTemplateMs = await took(() => open('first'))
    const openWithTemplateMs = await took(() => open('second'))
    const loadingMs = await took(loading)
    note(`a first start with the template of the package, and ${RESTARTS} more`)
    const starts: number[] = []
    for (let at = 0; at <= RESTARTS; at += 1) {
      const service = await startService(folder.path)
      starts.push(round(service.listensMs, 0))
      await service.stop()
    }
    const [firstStartMs = 0, ...restarts] = starts
    return {
      openWithoutTemplateMs,
      openWithTemplateMs,
      loadingMs,
      firstStartEverMs: firstStartMs + openWithoutTemplateMs - openWithTemplateMs,
      firstStartMs,
      restartMs: Math.min(...restarts),
    }
  } finally {
    await folder.remove()
  }
}
