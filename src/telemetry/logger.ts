import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export interface LoggerOptions {
  /** pino level; `silent` writes nothing. */
  readonly level: string
  /** Written with each line as `name`. */
  readonly name: string
  /** Where lines go; standard output when absent. */
  readonly destination?: DestinationStream
}

/** Prompts, answers and keys never reach a log, whoever passes the object that holds them. */
const SECRET_FIELDS = [
  'apiKey',
  'authorization',
  'password',
  'secret',
  'token',
  'body',
  'messages',
  'prompt',
  'content',
  'input',
  'response',
  'text',
  'cookie',
]

const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

/** Lines of JSON with ISO times. Fields that could hold a key, a prompt or an answer are removed. */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  const options = {
    level,
    name,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: '[removed]' },
  }
  return destination ? pino(options, destination) : pino(options)
}
