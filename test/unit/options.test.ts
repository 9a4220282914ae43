import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { describeOptions, OptionsSchema, readOptions } from '../../src/config/options.ts'

const example = new Map(
  Object.entries(parseEnv(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8'))),
)

const problemsOf = (env: Record<string, string>): unknown => {
  try {
    return readOptions(env)
  } catch (error) {
    return error
  }
}

describe('.env.example', () => {
  test('names every option, and no other', () => {
    expect([...example.keys()].toSorted()).toEqual(Object.keys(OptionsSchema.shape).toSorted())
  })

  test('shows every default', () => {
    const defaults: Record<string, string | number | boolean | undefined> = readOptions({})
    for (const [name, text] of example)
      expect([name, text]).toEqual([name, String(defaults[name] ?? '')])
  })

  test('explains every option above its line', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    for (const name of example.keys()) expect(text).toMatch(new RegExp(`^# .+\\n${name}=`, 'm'))
  })
})

describe('readOptions', () => {
  test('an empty value counts as missing', () => {
    expect(readOptions({ HOLD_TTL_MS: '', REDIS_URL: '' })).toEqual(readOptions({}))
  })

  test('other variables of the process are none of its business', () => {
    expect(readOptions({ PATH: '/bin', HOME: '/root' })).toEqual(readOptions({}))
  })

  test('every wrong variable is named at once, with its mend and without its value', () => {
    const error = problemsOf({
      HOLD_TTL_MS: '1e3',
      WORKER_CONCURRENCY: '0',
      BURSAR_PREFIX: 'bursar',
      REDIS_URL: 'http://:hunter2@host',
      LOG_LEVEL: 'loud',
    })
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' })
    expect(String(error)).toContain('HOLD_TTL_MS: write a whole number from 1000 to 3600000')
    expect(String(error)).toContain('WORKER_CONCURRENCY: write 1 or more')
    expect(String(error)).toContain('BURSAR_PREFIX: write a name in braces')
    expect(String(error)).toContain('REDIS_URL: write an address such as redis://')
    expect(String(error)).toContain('LOG_LEVEL: write one of')
    expect(String(error)).not.toContain('hunter2')
  })

  test('the answer cannot be changed', () => {
    expect(Object.isFrozen(readOptions({}))).toBe(true)
  })
})

describe('describeOptions', () => {
  test('prints no password and no key', () => {
    const text = JSON.stringify(
      describeOptions(
        readOptions({
          REDIS_URL: 'rediss://user:hunter2@cache.example.com:6380/0',
          DATABASE_URL: 'postgres://bursar:pa%40ss:w@db:5432/bursar?sslpassword=hunter3&ssl=true',
          OPENAI_API_KEY: 'sk-hunter4',
        }),
      ),
    )
    expect(text).not.toMatch(/hunter|pa%40ss/)
    expect(text).toContain('rediss://user:***@cache.example.com:6380/0')
    expect(text).toContain('postgres://bursar:***@db:5432/bursar?sslpassword=***&ssl=true')
  })

  test('has every option', () => {
    const described = describeOptions(readOptions({}))
    expect(Object.keys(described)).toEqual(Object.keys(OptionsSchema.shape))
    expect(described).toMatchObject({ HOLD_TTL_MS: '120000', OPENAI_API_KEY: '' })
  })
})
