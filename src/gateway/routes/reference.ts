import type { FastifyInstance } from 'fastify'
import { readVersion } from '../../config/version.ts'
import { COMMAND_ROUTES } from '../reference/commands.ts'
import { openApiDocument } from '../reference/document.ts'
import { referencePage } from '../reference/page.ts'
import { ROUTES } from '../reference/routes.ts'

/** Nothing of the page comes from elsewhere, and nothing in it runs. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/** The API described by itself, for programs and for people; each made at its first request. */
export function referenceRoutes(app: FastifyInstance): void {
  const document = once(() => openApiDocument([...ROUTES, ...COMMAND_ROUTES], readVersion()))
  const page = once(() => referencePage(document()))

  app.get('/openapi.json', async (_, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(document()),
  )
  app.get('/docs', async (_, reply) =>
    reply
      .headers({
        'cache-control': 'public, max-age=300',
        'content-security-policy': PAGE_POLICY,
        'x-content-type-options': 'nosniff',
      })
      .type('text/html; charset=utf-8')
      .send(page()),
  )
}

function once<T>(make: () => T): () => T {
  let made: { readonly it: T } | undefined
  return () => {
    made ??= { it: make() }
    return made.it
  }
}
