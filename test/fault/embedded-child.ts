import { z } from 'zod'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { postgresBackend } from '../../src/queue/backend.ts'
import { jobData } from '../integration/embedded-job.ts'

/** Adds jobs without end and says each id once it is added, until somebody kills it. Run by `embedded-kill.test.ts`. */
const { FOLDER } = z.object({ FOLDER: z.string() }).parse(process.env)
const { pool } = await openEmbeddedDatabase({ folder: FOLDER })
const queue = postgresBackend(pool).openQueue('batch')
for (let n = 0; ; n += 1) {
  const id = `job-${process.pid}-${n}`
  await queue.add('completion', jobData(id), { jobId: id, priority: 5 })
  process.stdout.write(`${id}\n`)
}
