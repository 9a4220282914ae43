import { BursarError } from '../../errors.ts'
import { openEmbeddedWorkspace } from './embedded-workspace.ts'
import { openServerWorkspace } from './server-workspace.ts'
import type { Workspace } from './workspace-type.ts'

export interface Servers {
  readonly REDIS_URL?: string | undefined
  readonly DATABASE_URL?: string | undefined
}

/**
 * Creates the workspace: on both servers, or in a folder when neither is named.
 * @throws {BursarError} INVALID_OPTIONS, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE; nothing is left behind then.
 */
export async function openWorkspace(servers: Servers): Promise<Workspace> {
  const { REDIS_URL: redisUrl, DATABASE_URL: serverUrl } = servers
  if (redisUrl && serverUrl) return openServerWorkspace(redisUrl, serverUrl)
  if (!redisUrl && !serverUrl) return openEmbeddedWorkspace()
  throw new BursarError(
    'INVALID_OPTIONS',
    'set both REDIS_URL and DATABASE_URL to servers that may be used beside production, e.g. redis://127.0.0.1:6379 and postgres://bursar@127.0.0.1:5432/bursar (the replay keeps to keys and a database of its own), or neither, to replay in this process',
  )
}
