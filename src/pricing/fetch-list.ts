import { BursarError, messageOf } from '../errors.ts'

const TIMEOUT_MS = 30_000
const MOST_BYTES = 32 * 1_024 * 1_024

/**
 * Fetches a price list.
 * @returns the JSON, as it came.
 * @throws {BursarError} FETCH_FAILED, retryable, when nobody answers; INVALID_FILE when the answer is no JSON.
 */
export async function fetchList(url: string, signal?: AbortSignal): Promise<unknown> {
  const text = await fetchText(url, signal)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BursarError('INVALID_FILE', `${url} answered with no JSON`, { cause })
  }
}

async function fetchText(url: string, signal?: AbortSignal): Promise<string> {
  try {
    const limit = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(url, { signal: signal ? AbortSignal.any([limit, signal]) : limit })
    if (!response.ok) throw new RangeError(`it answered ${response.status}`)
    const text = await response.text()
    if (text.length > MOST_BYTES) throw new RangeError(`it is larger than ${MOST_BYTES} bytes`)
    return text
  } catch (cause) {
    throw new BursarError(
      'FETCH_FAILED',
      `the price list at ${url} cannot be had (${messageOf(cause)}): check the address, or save it to a file and import that`,
      { cause, retryable: true },
    )
  }
}
