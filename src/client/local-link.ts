import { BursarError } from '../errors.ts'
import type { Queues } from '../queue/queues.ts'
import { createResults } from '../queue/results.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import type { Link, LinkParts } from './link.ts'

type LocalParts = Pick<LinkParts, 'store' | 'shelf' | 'kept'> & {
  readonly queues: Queues
  readonly logs: LogSource
}

/**
 * The way to a Bursar in this very process: its parts are at hand, and stay the caller's to close.
 */
export function localLink(parts: LocalParts): Link {
  const { store, shelf, queues, logs, kept } = parts
  const results = createResults(store)
  let closed = false
  return {
    async use(work) {
      if (closed) throw new BursarError('INVALID_ARGUMENT', 'this client is closed: create another')
      return work({ store, shelf, results, kept, queues: () => queues, logs: () => logs })
    },
    async close() {
      closed = true
      await results.close()
    },
  }
}
