import { parseArgs } from 'node:util'
import { startSandbox } from './server.ts'

const USAGE =
  'main.ts [--port N] [--host H] [--bill FILE] [--seed N] [--faults SPEC] [--latency MS] [--chunk-delay MS]'

const OPTIONS = {
  port: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  bill: { type: 'string' },
  seed: { type: 'string', default: '1' },
  faults: { type: 'string', default: '' },
  latency: { type: 'string', default: '0' },
  'chunk-delay': { type: 'string', default: '0' },
} as const

function whole(name: string, text: string): number {
  const value = Number(text)
  if (text !== '' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`--${name} must be a whole number, not "${text}"`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  const sandbox = await startSandbox({
    port: whole('port', values.port),
    host: values.host,
    seed: whole('seed', values.seed),
    faults: values.faults,
    latencyMs: whole('latency', values.latency),
    chunkDelayMs: whole('chunk-delay', values['chunk-delay']),
    ...(values.bill === undefined ? {} : { bill: values.bill }),
  })
  process.stdout.write(`${JSON.stringify({ url: sandbox.url })}\n`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void sandbox.close())
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`)
  process.exitCode = 1
})
