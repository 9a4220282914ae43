import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Follows the connections of a server from now on.
 * @returns how to end it: nobody new comes in, connections without a request close at once, the others after their
 * answer, and who is left after `limitMs` is cut off. Node's own `closeIdleConnections` spares those that never sent
 * a request, and looks only once.
 */
export function prepareEnd(server: Server): (limitMs: number) => Promise<void> {
  /** Requests under way on each connection. */
  const under = new Map<Socket, number>()
  let ending = false
  const count = (socket: Socket, change: number) => {
    const before = under.get(socket)
    if (before === undefined) return
    under.set(socket, before + change)
    if (ending && before + change === 0) socket.end()
  }
  server.on('connection', (socket: Socket) => {
    under.set(socket, 0)
    socket.once('close', () => under.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    count(socket, 1)
    response.once('close', () => count(socket, -1))
  })
  return (limitMs) =>
    new Promise((resolve) => {
      ending = true
      const timer = setTimeout(() => server.closeAllConnections(), limitMs)
      server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      for (const [socket, requests] of under) if (requests === 0) socket.destroy()
    })
}
