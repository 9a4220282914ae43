import { BursarError, messageOf } from '../../errors.ts'

/** Writes a request as JSON. @throws {BursarError} INVALID_REQUEST when it is none, or JSON cannot carry it. */
export function writeRequest(request: unknown): string {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw invalid("a request is an object: { user: 'u42', model: 'auto', messages: [...] }")
  }
  if ('stream' in request && request.stream !== undefined) {
    throw invalid('leave stream out: call stream() instead of run()')
  }
  return toJson(request)
}

/** The same with what the gateway has to know besides. */
export function writeJob(request: object, jobId: string, stream: boolean): string {
  writeRequest(request)
  return toJson({ ...request, jobId, ...(stream && { stream }) })
}

function toJson(value: object): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw invalid(`JSON cannot carry the request: ${messageOf(error)}`, error)
  }
}

const invalid = (message: string, cause?: unknown): BursarError =>
  new BursarError('INVALID_REQUEST', message, { cause })
