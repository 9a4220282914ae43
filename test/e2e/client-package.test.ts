import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { packageJson } from '../unit/house-cli-words.ts'
import { openTerminal } from './terminal.ts'

const run = promisify(execFile)
const PACKAGE = fileURLToPath(new URL('../../packages/client/', import.meta.url))
const Manifest = z.strictObject({
  ...{ name: z.literal('@bursar/client'), version: z.string(), description: z.string() },
  ...{ license: z.literal('MIT'), type: z.literal('module'), sideEffects: z.literal(false) },
  engines: z.object({ node: z.string() }),
  exports: z.record(z.string(), z.unknown()),
  files: z.tuple([z.literal('dist')]),
  publishConfig: z.unknown(),
  peerDependencies: z.strictObject({
    ...{ openai: z.string(), react: z.string(), '@ai-sdk/provider': z.string() },
  }),
  peerDependenciesMeta: z.record(z.string(), z.strictObject({ optional: z.literal(true) })),
})
const Packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string() })) })])

/** A folder in which the packed files are installed, and nothing else at all. */
let folder: string
let files: readonly string[]
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: PACKAGE })
  files = Packed.parse(JSON.parse(stdout))[0].files.map(({ path }) => path)
  folder = await mkdtemp(join(tmpdir(), 'bursar-client-'))
  for (const file of files) {
    const to = join(folder, 'node_modules/@bursar/client', file)
    await mkdir(dirname(to), { recursive: true })
    await cp(join(PACKAGE, file), to)
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ENTRIES = ['index', 'react', 'ai-sdk']

test('is modules with their types, of the same version as Bursar, and depends on nothing', async () => {
  const built = files.filter((file) => file.startsWith('dist/'))
  expect(files.filter((file) => !built.includes(file)).toSorted()).toEqual([
    ...['LICENSE', 'README.md', 'package.json'],
  ])
  expect(built).toEqual(
    expect.arrayContaining(ENTRIES.flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`])),
  )
  expect(built.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual([])
  const manifest = Manifest.parse(JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')))
  expect(Object.keys(manifest.peerDependenciesMeta).toSorted()).toEqual(
    Object.keys(manifest.peerDependencies).toSorted(),
  )
  const root = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(PACKAGE, '../../package.json'), 'utf8')))
  expect(manifest.version).toBe(root.version)
  expect(manifest.engines).toEqual(packageJson().engines)
})

/** What a file of the package imports, its own files walked through. */
async function loadedBy(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return []
  seen.add(file)
  const { importedFiles } = ts.preProcessFile(await readFile(join(PACKAGE, 'dist', file), 'utf8'))
  const named = importedFiles.map(({ fileName }) => fileName)
  const own = named.filter((name) => name.startsWith('.'))
  const isTypes = file.endsWith('.d.ts')
  const walked = await Promise.all(
    own.map((name) => loadedBy(isTypes ? name.replace(/\.js$/, '.d.ts') : name, seen)),
  )
  return [...named.filter((name) => !own.includes(name)), ...walked.flat()]
}

test('loads nothing but Node; the hooks nothing but React, the provider nothing but the AI SDK', async () => {
  const others = async (file: string, allowed: RegExp) =>
    [...new Set(await loadedBy(file))].filter((name) => !allowed.test(name))
  expect((await loadedBy('index.js')).length).toBeGreaterThan(0)
  expect(await others('index.js', /^node:/)).toEqual([])
  expect(await others('react.js', /^react$/)).toEqual([])
  expect(await others('ai-sdk.js', /^node:|^@ai-sdk\/provider$/)).toEqual([])
  expect(await others('index.d.ts', /^openai\/|^node:/)).toEqual([])
  expect(await others('react.d.ts', /^openai\/|^node:|^react$/)).toEqual([])
})

test('compiles in a program that has nothing else installed', async () => {
  const file = join(folder, 'program.mts')
  await writeFile(
    file,
    `import { BursarError, createHttpClient } from '@bursar/client'
    const bursar = createHttpClient({ url: 'http://127.0.0.1:8080' })
    const { receipt } = await bursar.run({ user: 'u', model: 'auto', messages: [] })
    export const left: string | null = receipt.left
    export const isOurs = (error: unknown): boolean => error instanceof BursarError
    // @ts-expect-error a number is no string
    export const cost: number = receipt.costUsd
    `,
  )
  const program = ts.createProgram([file], {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{ target: ts.ScriptTarget.ES2023, lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  })
  expect(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([])
})

test('calls a running Bursar, over its port and over its socket', async () => {
  const terminal = await openTerminal()
  try {
    await terminal.start()
    const data = join(terminal.folder, '.bursar')
    const [lock = ''] = (await readdir(data)).filter((name) => name.startsWith('lock.'))
    const at = z
      .object({ url: z.url(), socket: z.string() })
      .parse(JSON.parse(await readFile(join(data, lock), 'utf8')))
    await writeFile(
      join(folder, 'call.mjs'),
      `import { createHttpClient } from '@bursar/client'
      const bursar = createHttpClient({ url: process.argv[2] })
      const { text } = await bursar.run({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: 'Hello' }] })
      console.log(text.length > 0)`,
    )
    for (const url of [at.url, `unix:${at.socket}`]) {
      const { stdout } = await run(process.execPath, [join(folder, 'call.mjs'), url], { env: {} })
      expect(stdout).toBe('true\n')
    }
  } finally {
    await terminal.close()
  }
})
