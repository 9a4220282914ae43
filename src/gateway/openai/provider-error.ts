import { z } from 'zod'
import type { BursarError } from '../../errors.ts'

/** What a provider answered instead of an answer, as it stands in the detail of an error (queue/settlement.ts). */
const DetailSchema = z.object({
  status: z.int().min(400).max(599),
  upstream: z.object({
    message: z.string(),
    type: z.string().nullable(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})

export interface ProviderError {
  readonly status: number
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

/** The key that it refuses is Bursar's, not the caller's, and its words quote a part of it. */
const OUR_KEY: ProviderError = {
  status: 502,
  message:
    'the provider refuses the key that it is called with: an operator has to look at providers in the policy',
  type: 'server_error',
  param: null,
  code: 'provider_error',
}

/** @returns undefined when it was no provider that refused. */
export function providerErrorIn({ detail }: BursarError): ProviderError | undefined {
  const { status, upstream } = DetailSchema.safeParse(detail).data ?? {}
  if (status === undefined || !upstream) return undefined
  if (status === 401 || status === 403) return OUR_KEY
  const type = upstream.type ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  return { ...upstream, status, type }
}
