// Lays the files of a migrated, empty database beside the compiled code, so that nobody's first start has to build
// them. Does nothing when they are there already. Part of `npm run build`.
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openEmbeddedDatabase } from '../dist/src/embedded/database.js'
import { packagedTemplate, templatesIn } from '../dist/src/embedded/template-cache.js'

const folder = join(import.meta.dirname, '../dist/template')

async function build() {
  await rm(folder, { recursive: true, force: true })
  const database = await openEmbeddedDatabase({ folder: null, templates: templatesIn(folder) })
  await database.close()
  // It travels with the code, and is read by whoever runs that.
  await chmod(folder, 0o755)
  for (const name of await readdir(folder)) await chmod(join(folder, name), 0o644)
  if (!(await packagedTemplate())) throw new Error(`${folder} was not written: is the disk full?`)
}

if (!(await packagedTemplate())) await build()
