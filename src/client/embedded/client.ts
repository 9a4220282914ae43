import { resolve } from 'node:path'
import type { Environment } from '../../config/options.ts'
import { newJobId } from '../../queue/ids.ts'
import type { Client } from '../client-type.ts'
import { clientThrough } from '../http/client-through.ts'
import { folderTransport } from './folder-transport.ts'

/**
 * Creates a client of the Bursar in a data folder, whoever has it open. When nobody has, the first call starts one
 * beside this process, from the installed package; it ends with this process or with `close()`.
 */
export function createEmbeddedClient(folder: string, env: Environment): Client {
  const path = resolve(folder)
  return clientThrough(folderTransport(path, env), `the data folder ${path}`, { newJobId })
}
