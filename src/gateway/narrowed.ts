import type { FastifyRequest } from 'fastify'
import { assertModels, narrow } from '../access/scope.ts'
import { withKey } from '../queue/asked-with.ts'
import { keyOf } from './authorize.ts'
import type { GatewayRuntime } from './parts.ts'

/**
 * What somebody asks for, held to the key that it came with, whose budgets it is counted in; as it is without one.
 * @throws {BursarError} ACCESS_DENIED.
 */
export function narrowed<Asked extends object>(
  request: FastifyRequest,
  asked: Asked,
  { rules }: Pick<GatewayRuntime, 'rules'>,
): Asked {
  const key = keyOf(request)
  if (key === null) return asked
  const own = narrow(key, asked)
  assertModels(key, own, rules.current().policy)
  return withKey(own, key.id)
}
