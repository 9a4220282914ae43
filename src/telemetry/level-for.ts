import { isBursarError } from '../errors.ts'

/** How loud a failure is told: what the one line of an outage says already needs no line of each call. */
export const levelFor = (error: unknown): 'debug' | 'warn' =>
  isBursarError(error, 'STORE_UNAVAILABLE') && error.detail.redisAway === true ? 'debug' : 'warn'
