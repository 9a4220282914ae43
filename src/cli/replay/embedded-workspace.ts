import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Workspace } from './workspace-type.ts'

/** A workspace that is a folder: everything runs in this process, over a database in it. */
export async function openEmbeddedWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-replay-'))
  const data = join(folder, 'data')
  return {
    isEmbedded: true,
    folder,
    env: { REDIS_URL: undefined, DATABASE_URL: undefined, BURSAR_DATA: data },
    contents: `folder ${folder}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
