import { BursarError } from '../../errors.ts'

/**
 * The one error of a trace that cannot be replayed.
 * @param line - from 1; null = the file as a whole.
 * @param message - what is wrong and what to write instead, as it goes on after the place.
 */
export const invalidTrace = (
  file: string,
  line: number | null,
  message: string,
  cause?: unknown,
): BursarError =>
  new BursarError('INVALID_TRACE', `${line === null ? file : `${file}:${line}`} ${message}`, {
    detail: { file, line },
    ...(cause === undefined ? {} : { cause }),
  })
