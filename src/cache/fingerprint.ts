import { hash } from 'node:crypto'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { CacheShare } from '../config/cache-types.ts'
import type { Policy } from '../config/policy-types.ts'
import { canonicalJson } from './canonical-json.ts'
import { canonicalBody } from './canonical-request.ts'
import { servedBy } from './served-by.ts'
import { wallOf, writeKey } from './walls.ts'

/**
 * Bumped when the meaning of a stored answer or of this hash changes: older answers then simply miss. The vectors that
 * test/unit/cache-fingerprint.test.ts pins change with it, and nothing else does.
 */
const VERSION = 3

/**
 * Names the answer that a request would get: SHA-256 over its canonical JSON, the rungs that may answer it, and whom
 * the answer may be shared with.
 * @returns `<wall>:<request hash>` (walls.ts), the same for equal requests however they are written, in every process;
 * null when its tier may not use the model.
 */
export function fingerprint(
  request: GovernedRequest,
  policy: Policy,
  share: CacheShare,
): string | null {
  const served = servedBy(request, policy)
  if (!served) return null
  const { operation } = request
  const wall = wallOf(share, request)
  const body = canonicalJson(canonicalBody(operation, request.body, served.openAi))
  const { prefix = '' } = policy.cache.responses
  // Each line is JSON, or a word without line breaks: no two requests make the same text.
  const text = `${VERSION}\n${prefix}\n${wall.of}\n${operation}\n${served.text}\n${body}`
  return writeKey(wall, hash('sha256', text, 'hex'))
}
