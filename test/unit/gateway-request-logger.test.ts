import { expect, test } from 'vitest'
import { plainLogger, requestLogger } from '../../src/gateway/request-logger.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

function recorded() {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { lines, logger: createLogger({ level: 'info', name: 'test', destination }) }
}

test('lines of a request say its id, those of its parent do not, and secrets stay out of both', () => {
  const { lines, logger } = recorded()
  const own = requestLogger(logger, { requestId: 'a"b' })
  own.info({ body: 'a prompt', part: { apiKey: 'sk-1' } }, 'first')
  own.child({ step: 2 }).warn('second')
  own.debug('below the level')
  logger.info({ body: 'a prompt' }, 'third')
  expect(lines.map(({ msg, requestId, step }) => ({ msg, requestId, step }))).toEqual([
    { msg: 'first', requestId: 'a"b' },
    { msg: 'second', requestId: 'a"b', step: 2 },
    { msg: 'third' },
  ])
  expect(JSON.stringify(lines)).not.toMatch(/a prompt|sk-1/)
})

test('a plain line is written as any other', () => {
  const { lines, logger } = recorded()
  for (const one of [logger, plainLogger(logger)]) one.info({ route: '/v1/models' }, 'answered')
  const [one, plain] = lines.map(({ time: _, ...line }) => line)
  expect(plain).toEqual(one)
})
