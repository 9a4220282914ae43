import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { act } from '../../admin/act/act.ts'
import { see } from '../../admin/act/see.ts'
import type { AdminPlace } from '../../admin/command.ts'
import { isOwnForm, type LinkClaim, readLink, signForm } from '../../alerts/actions/link.ts'
import { ACTION_PATH, linkSettings } from '../../alerts/actions/links.ts'
import type { Page } from '../../alerts/actions/page-model.ts'
import { confirmPage, donePage, problemPage } from '../../alerts/actions/pages.ts'
import { isBursarError } from '../../errors.ts'
import type { GatewayParts, GatewayRuntime } from '../parts.ts'
import { placeOf } from '../place-of.ts'
import { readText } from '../read-body.ts'

const MOST_BYTES = 16 * 1_024
/** How long a page may stay open before what is filled in is sent. */
const FORM_LIFE_MS = 3_600_000

/**
 * The pages behind the links of messages. To look changes nothing, so that whatever fetches links beforehand does no
 * harm; what a page asks is done when its form is sent.
 */
export function actionRoutes(app: FastifyInstance, { runtime }: GatewayParts): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      (_: FastifyRequest, body: IncomingMessage) => readText(body, MOST_BYTES),
    )
    scope.get(ACTION_PATH, async (request, reply) => {
      const { searchParams } = new URL(request.url, 'http://host')
      return send(reply, await show(runtime, searchParams.get('t') ?? ''))
    })
    scope.post(ACTION_PATH, async (request, reply) => {
      const text = typeof request.body === 'string' ? request.body : ''
      return send(reply, await submit(runtime, Object.fromEntries(new URLSearchParams(text))))
    })
    scope.setErrorHandler(async (error, request, reply) => {
      const isAway = isBursarError(error) && error.retryable
      request.log[isAway ? 'warn' : 'error']({ err: error }, 'a page of an alert broke')
      return send(reply, problemPage('away'))
    })
  })
}

/** React is loaded by who shows pages, at the first one. */
async function send(reply: FastifyReply, page: Page): Promise<FastifyReply> {
  const { PAGE_HEADERS, pageHtml } = await import('../../alerts/actions/page.tsx')
  return reply
    .code(page.status)
    .headers(PAGE_HEADERS)
    .type('text/html; charset=utf-8')
    .send(pageHtml(page))
}

type Fields = Readonly<Record<string, string>>

async function show(runtime: GatewayRuntime, token: string): Promise<Page> {
  return withLink(runtime, token, async ({ place, claim, secrets, nowMs }) => {
    const sight = await see(place, claim, nowMs)
    if (!sight) return problemPage('no-alert', claim)
    const proof = signForm(token, nowMs + FORM_LIFE_MS, secrets)
    return confirmPage(sight, { token, proof }, nowMs)
  })
}

async function submit(runtime: GatewayRuntime, fields: Fields): Promise<Page> {
  const { t: token = '', proof: given = '' } = fields
  return withLink(runtime, token, async ({ place, claim, secrets, nowMs }) => {
    if (!isOwnForm(given, token, secrets, nowMs)) return problemPage('form-expired', claim)
    const sight = await see(place, claim, nowMs)
    if (!sight) return problemPage('no-alert', claim)
    const proof = signForm(token, nowMs + FORM_LIFE_MS, secrets)
    const again = (mistake: string) => confirmPage(sight, { token, proof }, nowMs, mistake, fields)
    // What was granted already, or is over, is told instead of asked.
    if (again('').form === null) return again('')
    try {
      const done = await act(place, sight, fields, nowMs)
      return donePage((await see(place, claim, nowMs)) ?? sight, done)
    } catch (error) {
      if (isBursarError(error) && WRITER.has(error.code)) return again(error.message)
      throw error
    }
  })
}

/** What whoever filled in the form can mend. */
const WRITER: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'INVALID_MONEY'])

interface Linked {
  readonly place: AdminPlace
  readonly claim: LinkClaim
  readonly secrets: readonly string[]
  readonly nowMs: number
}

async function withLink(
  runtime: GatewayRuntime,
  token: string,
  work: (linked: Linked) => Promise<Page>,
): Promise<Page> {
  const settings = linkSettings(runtime.options)
  if (!settings) return problemPage('no-links')
  const { secrets } = settings
  const nowMs = Date.now()
  const link = readLink(token, secrets, nowMs)
  if (link.state === 'forged') return problemPage('forged')
  if (link.state === 'expired') return problemPage('expired', link.claim)
  const place = placeOf(runtime)
  try {
    return await work({ place, claim: link.claim, secrets, nowMs })
  } finally {
    await place.close()
  }
}
