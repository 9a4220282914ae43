import { describe, expect, test } from 'vitest'
import { houseHas, packageJson, readHouse } from './house-cli-words.ts'

describe('package.json', () => {
  const { type, engines, bin, scripts, dependencies, devDependencies } = packageJson()

  test('is an ES module for Node.js 20.19 and later, with the command bursar', () => {
    expect({ type, engines, bin }).toEqual({
      type: 'module',
      engines: { node: '>=20.19' },
      bin: { bursar: 'dist/src/cli/main.js' },
    })
    expect(readHouse('src/cli/main.ts').startsWith('#!/usr/bin/env node\n')).toBe(true)
  })

  test('has every dependency at an exact version, and keeps it so', () => {
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    )
    expect(loose).toEqual([])
    expect(readHouse('.npmrc')).toContain('save-exact=true')
  })

  test('has the scripts that people and CI call by name', () => {
    const wanted = ['start', 'test', 'test:unit', 'check', 'bench', 'build', 'prepare']
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(wanted))
  })
})

test('CI installs, checks and tests, and stops at the first failure', () => {
  const words = readHouse('.ci/run').split('\n')
  expect(words.filter((line) => line.startsWith('npm '))).toEqual([
    'npm ci',
    'npm run check',
    'npm test',
  ])
  expect(words).toContain('set -euo pipefail')
})

test('every file that a document links to is there', () => {
  const documents = ['README.md', 'docs/glossary.md', 'docs/operations.md', 'docs/scaling.md']
  for (const document of documents) {
    const folder = document.includes('/') ? 'docs/' : ''
    for (const [, target = ''] of readHouse(document).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (!target.startsWith('http'))
        expect(houseHas(folder + target), `${document}: ${target}`).toBe(true)
    }
  }
})
