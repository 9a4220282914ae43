import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { type Rig, startRig } from './queue-rig.ts'

const CLIENT = await compiled(new URL('../../src/client/index.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.close())

/** Runs a program in a process of its own; it is the test's failure when it never ends. */
async function runProgram(body: string, env: Record<string, string> = rig.env) {
  const text = `import { createClient } from '${CLIENT}'\n${body}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: ROOT,
    env: { ...childEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'exit')
  return { code, output, errors }
}

it('lets the five lines of the README end by themselves, without close()', async () => {
  const { code, output, errors } = await runProgram(`
    const bursar = createClient()
    const { text, receipt } = await bursar.run({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: 'Explain recursion' }] })
    console.log(text.length > 0, receipt.costUsd, receipt.left)`)
  expect(errors).toBe('')
  expect(output).toMatch(/^true 0\.\d+ \d+\.\d+\n$/)
  expect(code).toBe(0)
})

it('stays until a stream, a hand-in, a quota and close() have ended, and no longer', async () => {
  const { code, output, errors } = await runProgram(`
    const bursar = createClient()
    let pieces = 0
    for await (const piece of bursar.stream({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: 'Count' }] })) pieces += 1
    const { jobId } = await bursar.enqueue({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: 'Sleep' }] })
    await bursar.quota({ user: 'u42' })
    await bursar.close()
    console.log(pieces > 0, jobId.length)`)
  expect(errors).toBe('')
  expect(output).toBe('true 26\n')
  expect(code).toBe(0)
})

it('starts nothing before the first call when nobody said where Bursar is', async () => {
  const folder = join(tmpdir(), `bursar-never-${process.pid}`)
  const { code, output, errors } = await runProgram(
    `const bursar = createClient()
    await bursar.close()
    await bursar.quota({ user: 'u' }).catch((error) => console.log(error.code, error.message))`,
    { BURSAR_DATA: folder },
  )
  expect(output).toBe('INVALID_ARGUMENT this client is closed: create another\n')
  expect({ code, errors, started: existsSync(folder) }).toEqual({
    ...{ code: 0, errors: '', started: false },
  })
})

it('ends by itself with a typed error when Redis is away', async () => {
  const { code, output } = await runProgram(
    `const bursar = createClient()
    await bursar.quota({ user: 'u' }).catch((error) => console.log(error.code))`,
    { REDIS_URL: 'redis://127.0.0.1:1', REDIS_COMMAND_TIMEOUT_MS: '200' },
  )
  expect(output).toBe('STORE_UNAVAILABLE\n')
  expect(code).toBe(0)
})
