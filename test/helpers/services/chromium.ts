import { findChromium } from './find.ts'
import { canInstall, install } from './install.ts'

let found: Promise<string> | undefined

/**
 * Finds Chromium, or installs it where packages can be. Once per process.
 * @returns its path. @throws naming the one command to run when there is none.
 */
export function ensureChromium(): Promise<string> {
  found ??= look()
  return found
}

async function look(): Promise<string> {
  const before = await findChromium()
  if (before !== undefined) return before
  if (canInstall()) await install(['chromium'])
  const after = await findChromium()
  if (after !== undefined) return after
  const command =
    process.platform === 'darwin'
      ? 'brew install --cask google-chrome'
      : 'sudo apt-get update && sudo apt-get install -y chromium'
  throw new Error(`this test looks at pages in Chromium, and there is none. Run: ${command}`)
}
