import { z } from 'zod'
import { settleAll } from './alert-settling.ts'

/** A process that spends. Run by `alerts.test.ts`. */
const Work = z.object({
  ...{ redisUrl: z.string(), prefix: z.string(), name: z.string(), budgets: z.int() },
  ...{ each: z.int(), costNano: z.int(), nowMs: z.int() },
})
await settleAll(Work.parse(JSON.parse(process.argv[2] ?? '')))
process.exit(0)
