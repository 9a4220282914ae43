import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from '../../src/config/options.ts'
import { startGatewayRole } from '../../src/gateway/role.ts'
import { createRuntime } from '../../src/runtime.ts'
import type { Env } from './cli-harness.ts'
import { POLICY, type Rig } from './queue-rig.ts'

export interface EmbeddedForCli {
  /** Leads a command line to it, by its folder. */
  readonly env: Env
  /** Its port, which asks everybody for a key. */
  readonly url: string
  close(): Promise<void>
}

/** A whole embedded Bursar beside a rig, for command lines to find. */
export async function startEmbeddedForCli({ sandbox }: Rig): Promise<EmbeddedForCli> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-cli-'))
  const policy = join(folder, 'bursar.yaml')
  await writeFile(policy, POLICY)
  const env = {
    BURSAR_DATA: join(folder, 'data'),
    BURSAR_POLICY: policy,
    BURSAR_PORT: '0',
    BURSAR_AUTH: 'required',
    LOG_LEVEL: 'silent',
  }
  const runtime = await createRuntime(readOptions(env), { env, sandbox: { url: sandbox.url } })
  const gateway = await startGatewayRole(runtime)
  return {
    env,
    url: gateway.url,
    async close() {
      await gateway.close()
      await runtime.close()
      await rm(folder, { recursive: true })
    },
  }
}
