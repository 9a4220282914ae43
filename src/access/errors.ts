import { BursarError } from '../errors.ts'

/** Why a key does not open. What is wrong with a key is told to whoever holds its secret, and to nobody else. */
export type KeyFault =
  | 'missing'
  | 'other'
  | 'mistyped'
  | 'unknown'
  | 'rotated'
  | 'expired'
  | 'revoked'

const FAULTS: Readonly<Record<KeyFault, string>> = {
  missing:
    'an API key is needed: send `authorization: Bearer sk-bursar-...` (the client reads BURSAR_API_KEY); an admin makes one by `bursar keys create`',
  other:
    'this is no key of Bursar, whose keys begin with sk-bursar-: send one of them, or leave the header out where none is needed',
  mistyped: 'the API key was cut or changed on the way: copy the whole of it again',
  unknown: 'nobody knows this API key: correct it, or ask an admin for another',
  rotated: 'this API key was replaced, and its time is over: use the newer secret',
  expired: 'this API key has expired: ask an admin for another',
  revoked: 'this API key was revoked: ask an admin for another',
}

/** 401, whoever asks. */
export const invalidKey = (reason: KeyFault): BursarError =>
  new BursarError('INVALID_API_KEY', FAULTS[reason], { detail: { reason } })

/** What a key may not do. */
export type DeniedField = 'tenant' | 'user' | 'tier' | 'ip' | 'model' | 'budget' | 'role'

/** 403: the key is good, and not for this. */
export const denied = (field: DeniedField, message: string, detail: object = {}): BursarError =>
  new BursarError('ACCESS_DENIED', message, { detail: { field, ...detail } })

/** 503: nobody can say whether a key is good. */
export const uncheckable = (cause: unknown): BursarError =>
  new BursarError(
    'LEDGER_UNAVAILABLE',
    'API keys cannot be checked now, because the database does not answer: send the request again soon',
    { cause, retryable: true, detail: { retryAfterMs: 1_000 } },
  )

/** 404, for whoever manages keys. */
export const unknownKey = (id: string): BursarError =>
  new BursarError(
    'UNKNOWN_KEY',
    `no key has the id ${id}: \`bursar keys list --all\` has them all`,
    {
      detail: { id },
    },
  )
