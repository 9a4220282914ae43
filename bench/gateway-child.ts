import { readOptions } from '../src/config/options.ts'
import { createRuntime } from '../src/runtime.ts'
import { startRoles } from '../workers/main.ts'

/** A gateway alone, as `bursar start --roles gateway` runs it. */
const env = process.env
const options = readOptions(env)
const runtime = await createRuntime(options, { env, sandbox: { url: env.BENCH_SANDBOX ?? '' } })
const { gatewayUrl } = await startRoles(['gateway'], runtime)

process.once('disconnect', () => process.exit(1))
process.send?.({ url: gatewayUrl })
