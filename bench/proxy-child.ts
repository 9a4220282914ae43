import { createServer } from 'node:http'
import { Agent } from 'undici'

/** A reverse proxy as anybody would write it on undici: it governs nothing. The yardstick where no other is at hand. */
const provider = new URL(process.argv[2] ?? '')
const agent = new Agent({ connections: 128 })

const server = createServer((request, response) => {
  const { method = 'GET', url = '/', headers } = request
  const { host: _, connection: __, ...sent } = headers
  const path = `${provider.pathname}${url.replace(/^\/v1/, '')}`
  agent
    .stream(
      { origin: provider.origin, path, method: 'POST', headers: sent, body: request },
      (answer) => response.writeHead(answer.statusCode, { 'content-type': 'application/json' }),
    )
    .catch(() => response.destroy())
  if (method !== 'POST') response.writeHead(405).end()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` })
})
process.once('disconnect', () => process.exit(1))
