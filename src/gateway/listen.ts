import { lstat, unlink } from 'node:fs/promises'
import { type AddressInfo, connect, type Server } from 'node:net'
import { BursarError, messageOf } from '../errors.ts'

/** @returns the address, with the port that was chosen when `port` is 0. @throws {BursarError} INVALID_OPTIONS. */
export async function listenOnPort(server: Server, host: string, port: number): Promise<string> {
  try {
    await listening(server, () => server.listen(port, host))
  } catch (error) {
    throw cannotListen(
      `cannot listen on ${host}:${port} (${messageOf(error)}): set BURSAR_HOST and BURSAR_PORT, or start without the role gateway`,
      error,
    )
  }
  const address = server.address() as AddressInfo
  return `http://${reachable(host)}:${address.port}`
}

/** An address that a client on this machine can use. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

const OWNER_ONLY = 0o177

/**
 * Listens on a unix socket that only its owner may use (mode 0600); one that a dead process left behind is removed.
 * @throws {BursarError} INVALID_OPTIONS when somebody listens there, or the path is another kind of file.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await removeStale(path)
  try {
    await listening(server, () => {
      // Bound in this very call: the socket never stands open to others, not even until a chmod.
      const before = process.umask(OWNER_ONLY)
      server.listen(path)
      process.umask(before)
    })
  } catch (error) {
    throw cannotListen(`cannot listen on ${path} (${messageOf(error)}): choose another path`, error)
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (!found) return
  if (!found.isSocket()) {
    throw cannotListen(`${path} is no socket: choose another path, or move that file away`)
  }
  if (await answers(path)) {
    throw cannotListen(`another process listens on ${path}: stop it, or choose another path`)
  }
  await unlink(path)
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path)
    const end = (answer: boolean) => {
      probe.destroy()
      resolve(answer)
    }
    probe.once('connect', () => end(true)).once('error', () => end(false))
  })

function listening(server: Server, listen: () => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    listen()
  })
}

const cannotListen = (message: string, cause?: unknown): BursarError =>
  new BursarError('INVALID_OPTIONS', message, { cause })
