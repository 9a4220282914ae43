import type { BursarError } from '../errors.ts'
import type { Headers, Instead } from './request.ts'

/** An error in the gateway's shape, so that an application's clients read one kind of error. */
export function refusal(
  status: number,
  type: 'rate_limit_error' | 'server_error' | 'invalid_request_error',
  { message, code, detail, retryable }: BursarError,
  headers: Headers = {},
): Instead {
  const body = { error: { message, type, code, detail, retryable } }
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
    body: JSON.stringify(body),
  }
}
