import { posix } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { readHouse } from './house-cli-words.ts'

/** What a module loads when it runs: imports of types alone are erased. */
function importsOf(file: string): string[] {
  const { outputText } = ts.transpileModule(readHouse(file), {
    compilerOptions: { module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  return ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName)
}

function graphFrom(entry: string): { files: Set<string>; packages: Set<string> } {
  const [files, packages] = [new Set<string>(), new Set<string>()]
  const walk = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) walk(posix.join(posix.dirname(file), name))
      else packages.add(name)
    }
  }
  walk(entry)
  return { files, packages }
}

test('the HTTP client loads nothing but itself and Node', () => {
  const { files, packages } = graphFrom('src/client/http/index.ts')
  expect(files.size).toBeGreaterThan(8)
  expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual([])
  expect([...files].filter((file) => !file.startsWith('src/client/http/')).toSorted()).toEqual([
    'src/errors.ts',
    'src/queue/ids.ts',
  ])
})

test('the hooks load React and what any browser can load', () => {
  const { files, packages } = graphFrom('src/client/react/index.ts')
  expect(files.size).toBeGreaterThan(15)
  expect([...packages]).toEqual(['react'])
})

test('the provider of the AI SDK loads that, Node and the HTTP client', () => {
  const { packages } = graphFrom('src/client/ai-sdk/index.ts')
  expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual(['@ai-sdk/provider'])
})

test('the walk sees what the other client loads', () => {
  expect([...graphFrom('src/client/index.ts').packages]).toEqual(
    expect.arrayContaining(['zod', 'bullmq', 'ioredis']),
  )
})

test('a program that calls Bursar loads no database: what needs one is started beside it', () => {
  const { files, packages } = graphFrom('src/client/index.ts')
  expect([...packages].filter((name) => /pglite|drizzle|^pg$|fastify/.test(name))).toEqual([])
  expect(files.has('src/client/embedded/companion.ts')).toBe(true)
})
