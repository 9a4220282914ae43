import type { Policy } from '../../config/policy-types.ts'
import type { BursarError, ErrorCode, ErrorDetail } from '../../errors.ts'
import { errorReply } from '../error-reply.ts'
import { ERROR_STATUS } from '../error-status.ts'
import { refusingLimits } from '../limit-headers.ts'
import { openAiLimitHeaders } from './limit-headers.ts'
import { providerErrorIn } from './provider-error.ts'

/** An error in OpenAI's shape. @see https://platform.openai.com/docs/guides/error-codes (read 2026-11-21) */
export interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  /** What OpenAI has no field for. */
  readonly bursar: BursarPart
}

/** Ours, beside theirs: the code to branch on, and whatever a person needs to go on. */
export interface BursarPart extends ErrorDetail {
  readonly code: ErrorCode
  readonly retryable: boolean
}

/** An error as an answer of the OpenAI routes. */
export interface OpenAiErrorReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: OpenAiError }
}

type Told = Pick<OpenAiError, 'type' | 'code'> & { readonly status: number }

const LONGEST_RETRY_AFTER_S = 60

/** What OpenAI has a word for; everything else keeps its own status, and its code in small letters. */
const TOLD: Partial<Record<ErrorCode, Told>> = {
  INVALID_API_KEY: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  UNKNOWN_MODEL: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  REQUEST_TOO_LARGE: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
  },
  BUDGET_EXHAUSTED: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  RATE_LIMITED: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  PROVIDER_BUSY: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
}

/**
 * Tells an error as OpenAI would. What the provider itself said is passed on in its own status and words.
 * @param nowMs - what `retry-after` counts from.
 */
export function openAiError(error: BursarError, policy: Policy, nowMs: number): OpenAiErrorReply {
  const reply = errorReply(error, nowMs)
  const { code, message, detail, retryable } = error
  const upstream = providerErrorIn(error)
  const { status, type, code: told } = upstream ?? toldAs(code, detail)
  const after = Number(reply.headers['retry-after'] ?? 0)
  // Who is told to wait for hours, and waits a minute, is refused again: it is told to stop.
  const retries = retryable && after <= LONGEST_RETRY_AFTER_S
  const { 'retry-after': _, ...headers } = reply.headers
  return {
    status,
    headers: {
      ...headers,
      ...(code === 'RATE_LIMITED' && openAiLimitHeaders(refusingLimits(detail), nowMs)),
      'x-should-retry': String(retries),
      ...(after > 0 && retryable && { 'retry-after': String(Math.min(after, 60)) }),
    },
    body: {
      error: {
        message: upstream?.message ?? message,
        type,
        param: upstream?.param ?? paramIn(code, detail),
        code: told,
        bursar: { ...visible(detail), ...more(error, policy), code, retryable: retries },
      },
    },
  }
}

function toldAs(code: ErrorCode, detail: ErrorDetail): Told {
  const told = TOLD[code]
  if (told) {
    const isOfTokens = code === 'RATE_LIMITED' && String(detail.counts).includes('token')
    return isOfTokens ? { ...told, type: 'tokens' } : told
  }
  // A code that travelled through the slot may be of another version.
  const { status, type } = Object.hasOwn(ERROR_STATUS, code)
    ? ERROR_STATUS[code]
    : ERROR_STATUS.UNEXPECTED
  if (code === 'ACCESS_DENIED' && detail.field === 'model') {
    return { status, type, code: 'model_not_found' }
  }
  return { status, type, code: code.toLowerCase() }
}

function paramIn(code: ErrorCode, { param, field }: ErrorDetail): string | null {
  if (typeof param === 'string') return param
  if (code === 'ACCESS_DENIED' && typeof field === 'string') return field
  return code === 'UNKNOWN_MODEL' ? 'model' : null
}

/** The provider's own words stand in the error itself. */
const visible = ({ upstream: _, param: __, ...detail }: ErrorDetail): ErrorDetail => detail

/** In which of OpenAI's words the budget is told, and who can give more. */
function more({ code, detail }: BursarError, policy: Policy): ErrorDetail {
  if (code !== 'BUDGET_EXHAUSTED') return {}
  const { budget } = detail
  return {
    reason: isOfAll(budget, policy)
      ? 'organization_spend_limit_exceeded'
      : 'project_spend_limit_exceeded',
    askFor: `more for budget ${String(budget)}: an admin runs \`bursar budget grant ${String(budget)} <usd>\``,
  }
}

const isOfAll = (budget: unknown, { budgets }: Policy): boolean =>
  budgets.some(({ id, scope }) => id === budget && scope.kind === 'global')
