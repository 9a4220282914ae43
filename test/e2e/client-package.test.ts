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
  peerDependencies: z.strictObject({ openai: z.string() }),
  peerDependenciesMeta: z.strictObject({ openai: z.strictObject({ optional: z.literal(true) }) }),
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

test('is one module with its types, of the same version as Bursar, and depends on nothing', async () => {
  expect(files.toSorted()).toEqual([
    ...['LICENSE', 'README.md', 'dist/index.d.ts', 'dist/index.js', 'package.json'],
  ])
  const manifest = Manifest.parse(JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')))
  const root = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(PACKAGE, '../../package.json'), 'utf8')))
  expect(manifest.version).toBe(root.version)
  expect(manifest.engines).toEqual(packageJson().engines)
})

test('loads nothing but Node', async () => {
  const code = await readFile(join(PACKAGE, 'dist/index.js'), 'utf8')
  const loaded = ts.preProcessFile(code).importedFiles.map(({ fileName }) => fileName)
  expect(loaded.length).toBeGreaterThan(0)
  expect(loaded.filter((name) => !name.startsWith('node:'))).toEqual([])
  const types = await readFile(join(PACKAGE, 'dist/index.d.ts'), 'utf8')
  const named = ts.preProcessFile(types).importedFiles.map(({ fileName }) => fileName)
  expect(named.filter((name) => !/^openai\/|^node:/.test(name))).toEqual([])
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
