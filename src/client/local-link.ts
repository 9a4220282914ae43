import { BursarError } from '../errors.ts'
import { createResults } from '../queue/results.ts'
import type { Link, LinkParts } from './link.ts'

/**
 * The way to a Bursar in this very process: its parts are at hand, and stay the caller's to close.
 */
export function localLink(parts: Omit<LinkParts, 'results'>): Link {
  const results = createResults(parts.store)
  let closed = false
  return {
    async use(work) {
      if (closed) throw new BursarError('INVALID_ARGUMENT', 'this client is closed: create another')
      return work({ ...parts, results })
    },
    async close() {
      closed = true
      await results.close()
    },
  }
}
