import { type Browser, chromium } from 'playwright-core'
import { ensureChromium } from './services/index.ts'

/** For the hook that launches it: where it has to be installed first, that takes a minute or two. */
export const BROWSER_TIMEOUT_MS = 300_000

/**
 * Starts a Chromium without a window; the caller closes it. Once per file: `beforeAll(async () => { browser = await
 * launchBrowser() }, BROWSER_TIMEOUT_MS)`, and a page of its own (`browser.newPage()`) for each test.
 * @throws naming the one command to run when there is no Chromium and none can be installed.
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = await ensureChromium()
  // Its own sandbox refuses to run as root, and a container's /dev/shm is small.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
