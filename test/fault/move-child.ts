import { z } from 'zod'
import { readOptions } from '../../src/config/options.ts'
import { moveFolder } from '../../src/move/move.ts'

/** Moves a folder in small steps, and ends by SIGKILL after so many of them. Run by `move-kill.test.ts`. */
const { KILL_AT, BURSAR_DATA } = z
  .object({ KILL_AT: z.coerce.number(), BURSAR_DATA: z.string() })
  .parse(process.env)
let steps = 0
process.stdout.write('ready\n')
await moveFolder({
  folder: BURSAR_DATA,
  options: readOptions(process.env),
  page: 3,
  onProgress() {
    steps += 1
    if (steps === KILL_AT) process.kill(process.pid, 'SIGKILL')
  },
})
process.stdout.write(`moved ${steps}\n`)
