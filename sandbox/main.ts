import { parseArgs } from 'node:util'
import { startSandbox } from './server.ts'

const USAGE =
  'main.ts [--port N] [--host H] [--bill FILE] [--seed N] [--faults SPEC] [--latency MS] [--chunk-delay MS]'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    bill: { type: 'string' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '' },
    latency: { type: 'string', default: '0' },
    'chunk-delay': { type: 'string', default: '0' },
  },
})

function whole(name: 'port' | 'seed' | 'latency' | 'chunk-delay'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`--${name} must be a whole number, not "${values[name]}"\n${USAGE}`)
}

const sandbox = await startSandbox({
  port: whole('port'),
  host: values.host,
  seed: whole('seed'),
  faults: values.faults,
  latencyMs: whole('latency'),
  chunkDelayMs: whole('chunk-delay'),
  ...(values.bill === undefined ? {} : { bill: values.bill }),
})
process.stdout.write(`${JSON.stringify({ url: sandbox.url })}\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    void sandbox.close()
  })
