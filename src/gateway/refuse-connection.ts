import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { BursarError } from '../errors.ts'
import { errorReply } from './error-reply.ts'

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time: send it whole'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large: send fewer or shorter ones'],
}
const NO_HTTP = [400, 'this is no HTTP request: use http://, and an HTTP client'] as const

/** Answers what Node could not read as a request, in the shape of every other error. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const [status, message] = CLIENT_ERRORS[error.code ?? ''] ?? NO_HTTP
  const { body } = errorReply(new BursarError('INVALID_REQUEST', message), Date.now())
  const text = JSON.stringify(body)
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(text)}`,
      'connection: close',
      `\r\n${text}`,
    ].join('\r\n'),
  )
}
