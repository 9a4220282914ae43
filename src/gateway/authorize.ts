import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiKey } from '../access/api-key.ts'
import { denied, invalidKey } from '../access/errors.ts'
import type { KeyGuard } from '../access/key-guard.ts'
import { type KeyRole, roleCovers } from '../access/roles.ts'
import { ACTION_PATH } from '../alerts/actions/links.ts'
import type { Options } from '../config/options.ts'
import { isBursarError } from '../errors.ts'
import { isOpenAiRoute } from './openai/paths.ts'

/** Where a server listens: a unix socket, which its owner alone may open, or a port of a host. */
export type Listening = { readonly on: 'socket' } | { readonly on: 'port'; readonly host: string }

type AuthMode = Options['BURSAR_AUTH']

// By connection, not by address: one that was cut has no address any more, while its request still runs.
const connections = new WeakMap<Socket, Listening>()
const keys = new WeakMap<FastifyRequest, ApiKey>()

/** Remembers of every connection of a server where it came in. */
export function noteConnections(server: Server, listening: Listening): void {
  server.on('connection', (socket: Socket) => connections.set(socket, listening))
}

/** Whether nobody but this machine reaches what listens on this host. */
export const isLocal = (host: string): boolean =>
  /^localhost$/i.test(host) ||
  host === '::1' ||
  host === '[::1]' ||
  /^127(\.\d{1,3}){3}$/.test(host)

/** Whether somebody on this machine has to have a key, too. */
export const asksNeighbours = ({
  BURSAR_AUTH: mode,
  BURSAR_HOST: host,
}: Pick<Options, 'BURSAR_AUTH' | 'BURSAR_HOST'>): boolean =>
  mode === 'required' || (mode === 'auto' && !isLocal(host))

/** Asked for without a key: those that tell nobody anything, and those that want a signature. */
const OPEN: ReadonlySet<string> = new Set([
  '/health',
  '/ready',
  '/openapi.json',
  '/docs',
  '/v1/webhooks/subscriptions',
  ACTION_PATH,
])
/** Each command has its own role: its route asks for it by `authorize`. */
const ADMIN = '/v1/admin/'

/** A route that says nothing else sends requests. null = there is none here, or `authorize` asks. */
function roleFor(route: string): KeyRole | null {
  if (route === '' || route.startsWith(ADMIN)) return null
  return route === '/metrics' ? 'viewer' : 'app'
}

/**
 * Finds out who asks, before every route and before a body is read. A key that is given is checked, also where none is
 * needed: it narrows what may be asked for.
 * @returns a hook that throws BursarError INVALID_API_KEY, ACCESS_DENIED when the key's role is not for the route,
 * LEDGER_UNAVAILABLE.
 */
export function identify(guard: KeyGuard, mode: AuthMode) {
  // No promise where no key was given: every request comes by here.
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    const refuse = (error: Error): void => {
      // https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1: a 401 says how to do better.
      if (isBursarError(error, 'INVALID_API_KEY')) reply.header('www-authenticate', 'Bearer')
      done(error)
    }
    const { url: route = '' } = request.routeOptions
    if (OPEN.has(route) || (route.startsWith(ADMIN) && onSocket(request))) return done()
    const given = bearerIn(request.headers.authorization)
    const isNeeded = needsKey(request, mode)
    if (given === null || isTheirs(given, route, isNeeded, mode)) {
      return isNeeded ? refuse(invalidKey('missing')) : done()
    }
    guard
      .check(given)
      .then((key) => {
        const needed = roleFor(route)
        if (needed !== null) assertRole(key, needed)
        keys.set(request, key)
      })
      .then(() => done(), refuse)
  }
}

/** The key that a request came with; null = none was given, and none is needed. */
export const keyOf = (request: FastifyRequest): ApiKey | null => keys.get(request) ?? null

/**
 * Lets an operator's command pass: through the socket, with a key of the role, or from this machine where keys are not
 * required.
 * @returns who it is, for records: `operator`, or `key <id>`.
 * @throws {BursarError} INVALID_API_KEY, ACCESS_DENIED.
 */
export function authorize(request: FastifyRequest, role: KeyRole): string {
  const key = keys.get(request)
  if (key) {
    assertRole(key, role)
    return `key ${key.id}`
  }
  // Strangers send requests without a key where BURSAR_AUTH=off says so; they give no orders.
  if (onSocket(request) || isNeighbour(request)) return 'operator'
  throw invalidKey('missing')
}

const needsKey = (request: FastifyRequest, mode: AuthMode): boolean =>
  (mode === 'required' || (mode === 'auto' && !isNeighbour(request))) && !onSocket(request)

/**
 * What stands in front, and keeps strangers away, may have tokens of its own; OpenAI's clients cannot leave theirs out.
 */
const isTheirs = (given: string, route: string, isNeeded: boolean, mode: AuthMode): boolean =>
  (mode === 'off' || (!isNeeded && isOpenAiRoute(route))) && !given.startsWith('sk-bursar-')

/** @returns null when nothing was sent. Another scheme than Bearer has no key of ours. */
function bearerIn(header: string | undefined): string | null {
  if (header === undefined) return null
  return /^bearer +(\S.*)$/i.exec(header)?.[1]?.trimEnd() ?? header
}

const onSocket = ({ raw }: FastifyRequest): boolean => connections.get(raw.socket)?.on === 'socket'

/**
 * Whether somebody on this machine asks. On a loopback address another name than its own means a proxy that lets others
 * in, or a web page whose name leads here (DNS rebinding); the header that a trusted proxy names it in is anybody's.
 */
function isNeighbour({ raw, ips }: FastifyRequest): boolean {
  const listening = connections.get(raw.socket)
  const throughProxy = ips !== undefined && ips.length > 1
  const name = (raw.headers.host ?? '').replace(/:\d+$/, '')
  return listening?.on === 'port' && isLocal(listening.host) && isLocal(name) && !throughProxy
}

function assertRole({ role }: ApiKey, needed: KeyRole): void {
  if (roleCovers(role, needed)) return
  throw denied(
    'role',
    `this API key has the role ${role}, and this needs ${needed}: use another key`,
    { role, needed },
  )
}
