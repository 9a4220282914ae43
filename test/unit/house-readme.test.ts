import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { OptionsSchema } from '../../src/config/options.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { commandNames, faultOfWords, houseHas, packageJson, readHouse } from './house-cli-words.ts'

const readme = readHouse('README.md')
const { scripts } = packageJson()

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, body = '']) => body,
  )

/** Every command that the README tells a person to type: in shell blocks and in the table of commands. */
const typed = [
  ...blocks('sh').flatMap((block) => block.trim().split('\n')),
  ...[...readme.matchAll(/^\| `((?:npm|npx) [^`]+)` \|/gm)].map(([, command = '']) => command),
]

const faultOfScript = (name: string | undefined): string | null =>
  name !== undefined && name in scripts ? null : `package.json has no script ${name}`

function faultOfCompose(words: readonly string[]): string | null {
  if (!houseHas('docker-compose.yml')) return 'there is no compose file'
  const known = new Set(['up', '--build', '--detach'])
  return words.find((word) => !known.has(word)) ?? null
}

function faultOfExport(assignment: string): string | null {
  const [name = '', value] = assignment.split('=')
  return OptionsSchema.partial().safeParse({ [name]: value }).success ? null : assignment
}

/** @returns null when the command would be understood. */
function faultOf(line: string): string | null {
  const words = line.split(' ')
  const [program, first = '', ...rest] = words
  if (program === 'cp') return houseHas(first) ? null : `${first} is not there`
  if (program === 'export') return faultOfExport(first)
  if (program === 'docker') return first === 'compose' ? faultOfCompose(rest) : line
  if (program === 'npx') return first === 'bursar' ? faultOfWords(rest) : line
  if (program === 'npm' && first === 'run') return faultOfScript(rest[0])
  if (program === 'npm') return first === 'ci' ? null : faultOfScript(first)
  return `nobody checks: ${line}`
}

describe('README.md', () => {
  test.each([...new Set(typed)])('tells people to type what works: %s', (line) => {
    expect(faultOf(line)).toBeNull()
  })

  test('shows no command that nobody looked at', () => {
    expect(typed.length).toBeGreaterThan(15)
    expect(blocks('bash')).toEqual([])
  })

  test('explains every error code, each once and in the order of the source', () => {
    const union =
      readHouse('src/errors.ts').match(/export type ErrorCode =\n((?: {2}\| '\w+'\n)+)/)?.[1] ?? ''
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
    const explained = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
    expect(explained.length).toBeGreaterThan(20)
    expect(explained).toEqual(codes)
  })

  test('shows a whole policy in twelve lines, and it is valid', () => {
    const [text = ''] = blocks('yaml')
    expect(text.trim().split('\n').length).toBeLessThanOrEqual(12)
    const policy = parsePolicy(text, {
      env: { OPENAI_API_KEY: 'sk-any' },
      prices: createPriceBook,
      nowMs: Date.UTC(2026, 10, 21),
    })
    expect(Object.keys(policy.tiers)).toEqual(['basic'])
    expect(parse(text)).toHaveProperty('ladders.standard.length', 3)
  })

  test('documents every command of the command line', () => {
    const isTold = (name: string) =>
      typed.some(
        (line) => line === `npm run ${name}` || `${line} `.startsWith(`npx bursar ${name} `),
      )
    const untold = commandNames().filter((name) => !isTold(name))
    expect(untold).toEqual([])
  })
})
