import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server on which every reply takes as long as is wanted. */
export interface SlowProxy {
  readonly url: string
  /** What each reply takes from now on, ms. */
  delayMs: number
  close(): Promise<void>
}

export async function startSlowProxy(target: string): Promise<SlowProxy> {
  const { hostname, port, protocol } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    client.on('close', () => upstream.destroy())
    // In order, however the delay changes.
    let dueMs = 0
    upstream.on('data', (chunk) => {
      dueMs = Math.max(dueMs, performance.now() + proxy.delayMs)
      setTimeout(() => client.write(chunk), dueMs - performance.now())
    })
    upstream.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on no port')
  const proxy: SlowProxy = {
    url: `${protocol}//127.0.0.1:${address.port}`,
    delayMs: 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
