import type { Uncount } from '../admission/commands.ts'
import { hitsAreFree } from '../admission/model/limits.ts'
import { requestLimits } from '../admission/plan/limit-lines.ts'
import type { Policy } from '../config/policy-types.ts'
import type { CompletionJob } from './job.ts'

/** The limits that kept answers do not count against; intake did not know yet that it would be one. */
export function uncounted(job: CompletionJob, policy: Policy): { uncount?: Uncount } {
  const { countedAtMs: atMs = 0 } = job
  if (atMs === 0) return {}
  const limits = requestLimits(policy, job).filter(hitsAreFree)
  return limits.length === 0 ? {} : { uncount: { limits, atMs } }
}
