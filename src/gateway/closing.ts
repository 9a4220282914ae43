import { BursarError } from '../errors.ts'

/** @returns the error of whoever is cut off by the end of the gateway. */
export const closingError = (): BursarError =>
  new BursarError(
    'GATEWAY_UNAVAILABLE',
    'the gateway is closing, and the request goes on: send it again with the same jobId, or ask for its result',
    { retryable: true },
  )
