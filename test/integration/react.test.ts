import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  BursarProvider,
  createBrowserBursar,
  useJob,
  useQuota,
} from '../../src/client/react/index.ts'
import { BROWSER_TIMEOUT_MS, launchBrowser } from '../helpers/browser.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { ask } from './queue-rig.ts'

const PAGE = `<!doctype html><title>hooks</title><link rel="icon" href="data:,"><div id="root"></div>
<script type="module">
  import { open } from '/app.js'
  open(new URLSearchParams(location.search).get('view'), document.getElementById('root'))
</script>`

/** The page's own server: it hands on to the gateway, and notes what the page asked for. */
interface Site {
  readonly url: string
  readonly asked: string[]
  /** Resolves as soon as a request of this kind has come in. */
  sees(pattern: RegExp): Promise<string>
  close(): Promise<void>
}

async function serve(app: string, gateway: string): Promise<Site> {
  const asked: string[] = []
  const waiting = new Set<() => void>()
  const note = (what: string) => {
    asked.push(what)
    for (const look of waiting) look()
  }
  const server = createServer((request, response) => {
    const { method = 'GET', url: path = '/' } = request
    if (path === '/app.js') return response.setHeader('content-type', 'text/javascript').end(app)
    if (path.startsWith('/?')) return response.setHeader('content-type', 'text/html').end(PAGE)
    note(`${method} ${path}`)
    if (path === '/thing/slow') return response.on('close', () => note('CLOSE /thing/slow'))
    if (path.startsWith('/thing/')) return response.end(`made ${asked.length}`)
    return handOn(gateway + path.replace('/bursar', ''), request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    sees: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = asked.find((one) => pattern.test(one))
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function handOn(to: string, from: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', headers } = from
  const { 'content-type': type = 'application/json', accept = '*/*' } = headers
  const onward = httpRequest(
    to,
    { method, headers: { 'content-type': type, accept } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  from.pipe(onward)
}

async function bundle(): Promise<string> {
  const { build } = await import('vite')
  const folder = await mkdtemp(join(tmpdir(), 'bursar-page-'))
  try {
    await build({
      ...{ root: folder, configFile: false, logLevel: 'error', mode: 'development' },
      define: { 'process.env.NODE_ENV': '"development"' },
      build: {
        ...{ outDir: folder, minify: false, reportCompressedSize: false },
        lib: {
          entry: fileURLToPath(new URL('./react-page.ts', import.meta.url)),
          formats: ['es'],
          fileName: () => 'app.js',
        },
      },
    })
    return await readFile(join(folder, 'app.js'), 'utf8')
  } finally {
    await rm(folder, { recursive: true })
  }
}

let rig: GatewayRig
let app: string
let browser: Browser
beforeAll(async () => {
  const started = [
    startGatewayRig({ sandbox: { chunkDelayMs: 10 } }),
    bundle(),
    launchBrowser(),
  ] as const
  ;[rig, app, browser] = await Promise.all(started)
}, BROWSER_TIMEOUT_MS)
afterAll(async () => {
  await browser.close()
  await rig.close()
})

let site: Site
let page: Page
const errors: string[] = []
beforeEach(async () => {
  site = await serve(app, rig.url)
  page = await browser.newPage()
  page.on('pageerror', (error) => errors.push(String(error)))
})
afterEach(async () => {
  await page.close()
  await site.close()
  expect(errors.splice(0)).toEqual([])
})

const show = (view: string) => page.goto(`${site.url}/?view=${view}`)
const shows = (id: string, text: string | RegExp) =>
  page.locator(`#${id}`).filter({ hasText: text }).waitFor()

test('useQuota asks when it is enabled, once in StrictMode, and again when told to', async () => {
  await show('quota')
  await shows('left', 'unknown')
  expect(site.asked).toEqual([])
  await page.click('#enable')
  await shows('left', /^\d+(\.\d+)?$/)
  expect(site.asked).toEqual(['GET /bursar/v1/quota?user=rich'])
  await page.click('#refetch')
  await shows('loading', 'false')
  await site.sees(/quota/)
  await expect.poll(() => site.asked.length).toBe(2)
})

test('useJob shows an answer piece by piece, asked for once, and what it cost', async () => {
  await show('job')
  await shows('status', 'answered')
  expect(site.asked).toHaveLength(1)
  expect(site.asked[0]).toMatch(/^POST \/bursar\/v1\/jobs\?/)
  expect(Number(await page.textContent('#pieces'))).toBeGreaterThan(3)
  expect(await page.textContent('#cost')).toMatch(/^0\.\d+$/)
  expect(await page.textContent('#text')).toMatch(/\w/)
})

test('useJob cancels what nobody sees any more, and begins anew', async () => {
  await show('long')
  await shows('text', /\w/)
  await page.click('#toggle')
  await site.sees(/^DELETE \/bursar\/v1\/jobs\/\w+$/)
  await page.click('#toggle')
  await shows('text', /\w/)
  await page.click('#cancel')
  await shows('status', 'cancelled')
  expect(site.asked.filter((one) => one.startsWith('POST'))).toHaveLength(2)
})

test('useJob cancels what is replaced', async () => {
  await show('ask')
  await page.click('#first')
  await shows('text', /\w/)
  await page.click('#second')
  await shows('status', 'answered')
  await site.sees(/^DELETE /)
  expect(site.asked.filter((one) => one.startsWith('POST'))).toHaveLength(2)
})

test('useJob tells an error by its code', async () => {
  await page.route('**/v1/jobs?*', (route) =>
    route.fulfill({
      status: 429,
      contentType: 'application/json',
      body: JSON.stringify({
        error: { code: 'BUDGET_EXHAUSTED', message: 'no money', retryable: false },
      }),
    }),
  )
  await show('job')
  await shows('status', 'failed')
  expect(await page.textContent('#code')).toBe('BUDGET_EXHAUSTED')
})

test('useCache loads once for all who show it, and not again while it is fresh', async () => {
  await show('cache')
  await shows('one', 'made 1')
  await shows('other', 'made 1')
  await page.click('#toggle')
  await shows('gone', 'gone')
  await page.click('#toggle')
  await shows('one', 'made 1')
  expect(site.asked).toEqual(['GET /thing/k1'])
})

test('useCache gives up what nobody sees any more', async () => {
  await show('slow')
  await site.sees(/GET .*slow/)
  await page.click('#toggle')
  await site.sees(/CLOSE .*slow/)
  expect(site.asked).toEqual(['GET /thing/slow', 'CLOSE /thing/slow'])
})

test('useUsage and useCacheMetrics show operators what was used', async () => {
  await rig.client.run(ask('hello'))
  await rig.drain()
  await show('figures')
  await shows('groups', 'rich')
  await shows('tenants', 'default')
  await shows('page', 'usage')
  expect(await page.textContent('#error')).toBe('none')
})

test('on a server the hooks show nothing yet, and ask nobody', async () => {
  let calls = 0
  const bursar = createBrowserBursar({
    url: '/bursar',
    fetch: async () => {
      calls += 1
      return new Response()
    },
  })
  const View = () => {
    const { data } = useQuota({ user: 'rich' })
    const { status } = useJob({ user: 'rich', model: 'auto', messages: [] })
    return createElement('p', null, data?.left ?? status)
  }
  const html = renderToString(createElement(BursarProvider, { bursar }, createElement(View)))
  expect(html).toBe('<p>idle</p>')
  expect(calls).toBe(0)
})
