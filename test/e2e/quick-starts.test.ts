import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GatewayRig, startGatewayRig } from '../integration/gateway-rig.ts'
import { readHouse } from '../unit/house-cli-words.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const page = readHouse('docs/quick-starts.md')

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
    const env = { PATH: process.env.PATH, BURSAR_URL: rig.url, NO_PROXY: '*' }
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
