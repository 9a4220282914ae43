import { once } from 'node:events'
import { z } from 'zod'
import { readOptions } from '../../src/config/options.ts'
import { createRuntime, type RuntimeOverrides } from '../../src/runtime.ts'
import { startCompletionWorkers } from '../../workers/completions.ts'

/** A worker process that dies, as by kill -9, at a named point of its first job. Run by `worker.test.ts`. */
const { DIES, PROVIDER_URL } = z
  .object({
    DIES: z.enum([
      'before-send',
      'after-send-before-settle',
      'after-settle-before-finish',
      // Lives: says "settling", and waits for a line before it settles.
      'waits-before-settle',
      // Lives: says "calling" before each call.
      'tells-of-calls',
      'never',
    ]),
    PROVIDER_URL: z.url(),
  })
  .parse(process.env)

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

const wrapStore: RuntimeOverrides['wrapStore'] = (store) => ({
  ...store,
  async settle(command) {
    if (DIES === 'after-send-before-settle') return die()
    if (DIES === 'waits-before-settle') {
      process.stdout.write('settling\n')
      await once(process.stdin, 'data')
    }
    const reply = await store.settle(command)
    return DIES === 'after-settle-before-finish' ? die() : reply
  },
})

const wrapProvider: RuntimeOverrides['wrapProvider'] = (provider) => ({
  ...provider,
  call(hold, request, options) {
    if (DIES === 'before-send') return die()
    if (DIES === 'tells-of-calls') process.stdout.write('calling\n')
    return provider.call(hold, request, options)
  },
})

const runtime = await createRuntime(readOptions(process.env), {
  sandbox: { url: PROVIDER_URL },
  wrapStore,
  wrapProvider,
})
await startCompletionWorkers(runtime)
process.stdout.write('ready\n')
