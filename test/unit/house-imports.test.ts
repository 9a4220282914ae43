import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { compiled } from '../helpers/compiled.ts'

const Probed = z.object({
  modules: z.int().min(50),
  opened: z.array(z.string()),
  readings: z.array(z.string()),
})

test('importing whatever is built, but the programs, opens no socket or timer and reads no environment', async () => {
  const probe = await compiled(new URL('./house-import-probe.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [probe])
  expect(Probed.parse(JSON.parse(stdout))).toMatchObject({ opened: [], readings: [] })
})
