import type { FastifyRequest } from 'fastify'
import { assertModels, narrow } from '../access/scope.ts'
import { keyOf } from './authorize.ts'
import type { GatewayRuntime } from './parts.ts'

/**
 * What somebody asks for, held to the key that it came with; as it is without one.
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
  return own
}
