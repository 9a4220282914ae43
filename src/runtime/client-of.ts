import type { OwnClient } from '../client/client-type.ts'
import { createLink } from '../client/link.ts'
import { localLink } from '../client/local-link.ts'
import { clientOver } from '../client/over-link.ts'
import type { HereRunner } from '../client/submit.ts'
import { createOutageAnswers, type OutageAnswers } from '../outage/outage-answers.ts'
import { explainCache } from '../queue/explain-cache.ts'
import type { Runtime } from '../runtime.ts'

/**
 * A client of the Bursar that this process runs; close it before the runtime. Embedded it has the parts at hand. In Redis
 * it has a connection of its own, whose every command is bounded: the one that workers share waits for ever.
 * @param answers - what it answers while Redis is away; absent = what it has answered before.
 * @param here - calls providers in this process; absent = workers alone do.
 */
export function clientOf(runtime: Runtime, answers?: OutageAnswers, here?: HereRunner): OwnClient {
  const { options, clock, store, queues, logs, shelf, guard, kept, logger } = runtime
  const explain = explainCache(options, logger)
  if (logs !== null) {
    return clientOver(localLink({ store, queues, logs, shelf, kept }), clock, explain, here)
  }
  if (guard === null) return clientOver(createLink(options, clock), clock, explain, here)
  const known = answers ?? createOutageAnswers({ guard, near: kept.near })
  known.reach(store)
  return clientOver(
    createLink(options, clock, { guard, answers: known, kept }),
    clock,
    explain,
    here,
  )
}
