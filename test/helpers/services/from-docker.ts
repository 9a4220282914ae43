import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { launch, type Server, whenWeDie } from './server.ts'

const run = promisify(execFile)

export interface DockerServer {
  readonly url: string
  readonly image: string
  /** Published on the loopback address, so that it survives a restart. */
  readonly port: { readonly host: number; readonly inside: number }
  readonly env?: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly ready: RegExp
}

/** Starts a server in a container; its data lives and dies with the container. */
export async function fromDocker(options: DockerServer): Promise<Server> {
  const name = `bursar-test-${randomUUID()}`
  const docker = async (...args: readonly string[]) => {
    await run('docker', args)
  }
  await docker('create', '--name', name, ...settings(options), options.image, ...options.args)
  const callOff = whenWeDie('docker rm -f -v "$1"', [name])
  // Attached: what the server prints tells when it is ready. The first start may pull the image.
  const start = () => launch({ file: 'docker', args: ['start', '-a', name], ready: options.ready })
  await start()
  return {
    url: options.url,
    async stop() {
      await docker('rm', '-f', '-v', name)
      callOff()
    },
    kill: () => docker('kill', name),
    pause: () => docker('pause', name),
    resume: () => docker('unpause', name),
    async restart() {
      await docker('stop', name)
      await start()
    },
  }
}

function settings({ port, env = {} }: DockerServer): readonly string[] {
  const variables = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`])
  return ['-p', `127.0.0.1:${port.host}:${port.inside}`, ...variables]
}
