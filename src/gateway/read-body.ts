import type { IncomingMessage } from 'node:http'
import { BursarError } from '../errors.ts'

/**
 * Reads a JSON body.
 * @param maxBytes - of the body as it travels.
 * @throws {BursarError} REQUEST_TOO_LARGE; INVALID_REQUEST when it is empty, no UTF-8 or no JSON.
 */
export const readJsonBody = async (payload: IncomingMessage, maxBytes: number): Promise<unknown> =>
  parseJson(await readText(payload, maxBytes))

/** Reads a body as it is. @throws {BursarError} REQUEST_TOO_LARGE; INVALID_REQUEST when it is no UTF-8. */
export async function readText(payload: IncomingMessage, maxBytes: number): Promise<string> {
  const announced = Number(payload.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw tooLarge(maxBytes)
  return decode(await readBytes(payload, maxBytes))
}

/** By its events: iterating over a stream costs more than the rest of reading a body. */
function readBytes(payload: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    payload
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxBytes) return void chunks.push(chunk)
        reject(tooLarge(maxBytes))
        payload.destroy()
      })
      .once('end', () => {
        const [only] = chunks
        resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks, bytes))
      })
      .once('error', (error) => reject(brokenOff(error)))
      // Each body closes; making an error takes longer than reading most of them.
      .once('close', () => void (payload.readableEnded || reject(brokenOff())))
  })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    throw invalid('the body is not in UTF-8: encode it so', error)
  }
}

/** @throws {BursarError} INVALID_REQUEST when a body is empty or no JSON. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') throw invalid('the body is empty: send a JSON object')
  try {
    return JSON.parse(text)
  } catch (error) {
    // The parser's own message quotes the body, which is nobody's but the caller's.
    throw invalid('the body is not valid JSON: check quotes, commas and brackets', error)
  }
}

const invalid = (message: string, cause?: unknown): BursarError =>
  new BursarError('INVALID_REQUEST', message, { cause })

const brokenOff = (cause?: unknown): BursarError =>
  invalid('the body broke off before its end: send it whole', cause)

const tooLarge = (maxBytes: number): BursarError =>
  new BursarError(
    'REQUEST_TOO_LARGE',
    `the body is over ${maxBytes} bytes: send less, or raise defaults.max_body_bytes`,
    { detail: { maxBytes } },
  )
