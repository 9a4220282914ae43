import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { OptionsSchema } from '../../src/config/options.ts'
import { ERROR_STATUS } from '../../src/gateway/error-status.ts'
import { redisOf } from '../../src/runtime.ts'
import { childEnv } from '../helpers/child-env.ts'
import { withClient } from '../helpers/postgres.ts'
import { type GatewayRig, startGatewayRig } from '../integration/gateway-rig.ts'
import { faultOfWords, readHouse } from '../unit/house-cli-words.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const page = readHouse('docs/quick-starts.md')
const trouble = readHouse('docs/troubleshooting.md')

interface Block {
  /** The heading that it stands under, and which one it is there. */
  readonly name: string
  readonly text: string
}

/** The code of the page in one language. */
function blocksIn(language: string): Block[] {
  return page.split(/^## /m).flatMap((section) => {
    const [heading = ''] = section.split('\n', 1)
    const found = [
      ...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')),
    ]
    return found.map(([, text = ''], at) => ({ name: `${heading} ${at + 1}`, text }))
  })
}

/** What the programs import beside Bursar; whoever copies one has it installed. */
const PACKAGES = ['openai', 'ai', '@langchain/openai', '@langchain/core']

let rig: GatewayRig
let terminal: Terminal
beforeAll(async () => {
  rig = await startGatewayRig()
  terminal = await openTerminal({ BURSAR_URL: rig.url })
  for (const name of PACKAGES) {
    const to = join(terminal.folder, 'node_modules', name)
    await mkdir(dirname(to), { recursive: true })
    await symlink(fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url)), to)
  }
})
afterAll(async () => {
  await terminal.close()
  await rig.close()
})

describe('docs/quick-starts.md', () => {
  test('has the programs that people look for', () => {
    expect(blocksIn('js').map(({ name }) => name)).toEqual([
      ...['Node 1', 'Node 2', 'Node 3', 'LangChain.js 1', 'Vercel AI SDK 1'],
    ])
    expect(blocksIn('sh').map(({ name }) => name)).toEqual(['curl 1', 'curl 2'])
    expect(blocksIn('python')).toHaveLength(1)
  })

  test.each(blocksIn('js'))('$name runs, and says something', async ({ text }) => {
    const { code, stdout, stderr } = await terminal.program(text)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.length).toBeGreaterThan(20)
  })

  test.each(blocksIn('sh'))('$name answers', async ({ text }) => {
    const env = { ...childEnv(), BURSAR_URL: rig.url, NO_PROXY: '*' }
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', text], { env })
    expect(JSON.parse(stdout)).not.toHaveProperty('error')
  })

  test('each call came through Bursar: the ledger has its user', async () => {
    await rig.drain()
    const { body } = await rig.post('/v1/admin/report', { by: 'user' })
    const groups = body.report.rows.map(({ group }: { group: string }) => group)
    expect(groups).toContain('u42')
    expect(groups).not.toContain('default')
  })
})

describe('docs/troubleshooting.md', () => {
  const blocks = [...trouble.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const inline = [...trouble.matchAll(/`((?:npx|redis-cli) [^`]+)`/g)].map(([, text = '']) => text)
  const commands = [...new Set([...blocks.flatMap((text) => text.trim().split('\n')), ...inline])]

  /** What redis-cli does by itself, without an end. */
  const OF_REDIS_CLI = new Set(['--bigkeys', '--latency-history'])

  async function faultOf(command: string): Promise<string | null> {
    const [program = '', first = '', ...rest] = command.split(' ')
    if (program === 'npx') return first === 'bursar' ? faultOfWords(rest) : command
    if (program === 'redis-cli') {
      if (OF_REDIS_CLI.has(first)) return null
      await redisOf(rig.runtime).commands.call(first, ...rest)
      return null
    }
    if (program === 'psql') {
      const [, statement = ''] = /-c "(.*)"$/.exec(command) ?? []
      await withClient(rig.options.DATABASE_URL ?? '', (client) => client.query(statement))
      return null
    }
    const env = { ...childEnv(), BURSAR_URL: rig.url, NO_PROXY: '*' }
    await promisify(execFile)('/bin/sh', ['-c', command], { env })
    return null
  }

  test.each(commands)('%s', async (command) => {
    expect(await faultOf(command)).toBeNull()
  })

  test('has a chapter for what people look for, and names codes and metrics that there are', async () => {
    for (const chapter of ['High memory', 'Low hit rate', 'Connections', 'Slow']) {
      expect(trouble).toContain(`## ${chapter}\n`)
    }
    const codes = [...trouble.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code = '']) => code)
    const known = new Set([...Object.keys(ERROR_STATUS), ...Object.keys(OptionsSchema.shape)])
    expect(codes.filter((code) => !known.has(code))).toEqual([])
    const { body: metrics } = await rig.ask('/metrics')
    for (const [, metric = ''] of trouble.matchAll(/`(bursar_[a-z_]+)`/g)) {
      expect(metrics).toContain(metric)
    }
  })
})

describe('what the pages import from Bursar', () => {
  const MODULES: Readonly<Record<string, () => Promise<object>>> = {
    client: () => import('../../src/client/index.ts'),
    cache: () => import('../../src/client/cache/index.ts'),
    middleware: () => import('../../src/middleware/index.ts'),
    react: () => import('../../src/client/react/index.ts'),
    'ai-sdk': () => import('../../src/client/ai-sdk/index.ts'),
  }
  const pages = ['README.md', 'docs/apps.md', 'docs/cache.md', 'docs/quick-starts.md']
  const imports = pages.flatMap((path) =>
    [...readHouse(path).matchAll(/^import \{ ([^}]+) \} from 'bursar\/([\w-]+)'$/gm)].map(
      ([, names = '', module = '']) => ({ module, names: names.split(', ') }),
    ),
  )

  test('is there, by these names, and exported by the package', async () => {
    const manifest = PackageExports.parse(JSON.parse(readHouse('package.json'))).exports
    expect(new Set(imports.map(({ module }) => module))).toEqual(new Set(Object.keys(MODULES)))
    for (const { module, names } of imports) {
      expect(Object.keys(manifest)).toContain(`./${module}`)
      expect(Object.keys((await MODULES[module]?.()) ?? {})).toEqual(expect.arrayContaining(names))
    }
  })
})

const PackageExports = z.object({ exports: z.record(z.string(), z.unknown()) })
