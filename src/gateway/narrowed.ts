import type { FastifyRequest } from 'fastify'
import type { ApiKey } from '../access/api-key.ts'
import { denied } from '../access/errors.ts'
import { withBudgets } from '../access/key-budgets.ts'
import { assertModels, narrow } from '../access/scope.ts'
import { readIpAddress } from '../config/ip-address.ts'
import { withKey, withRequestId } from '../queue/asked-with.ts'
import { keyOf } from './authorize.ts'
import type { GatewayRuntime } from './parts.ts'

/**
 * What somebody asks for, with the address that it came from, and held to the key that it came with, whose budgets it
 * is counted in.
 * @param isRead - false: the fields of a query, whose tags nobody has read yet.
 * @throws {BursarError} ACCESS_DENIED.
 */
export function narrowed<Asked extends object>(
  request: FastifyRequest,
  asked: Asked,
  { rules }: Pick<GatewayRuntime, 'rules'>,
  isRead = true,
): Asked {
  const key = keyOf(request)
  const from = withRequestId(addressed(request, asked, key), request.id)
  if (key === null) return from
  const { policy } = rules.current()
  const scoped = narrow(key, from)
  const own = isRead ? withBudgets(key, scoped, policy) : scoped
  assertModels(key, own, policy)
  return withKey(own, key.id)
}

/** Whoever may name any user may name whose address it is, too: a program that asks for others. */
function addressed<Asked extends object>(
  { raw, ip }: FastifyRequest,
  asked: Asked,
  key: ApiKey | null,
): Asked {
  // A unix socket has none.
  const own = raw.socket.remoteAddress === undefined ? undefined : readIpAddress(ip)
  const named: unknown = Reflect.get(asked, 'ip')
  if (named === undefined) return own === undefined ? asked : { ...asked, ip: own }
  if (key && key.user !== null && readIpAddress(String(named)) !== own) {
    const message = `this API key is for user '${key.user}' alone, who comes from where the request does: leave ip out`
    throw denied('ip', message)
  }
  return asked
}
