import { readFile, writeFile } from 'node:fs/promises'
import { Resvg } from '@resvg/resvg-js'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ACME, noticeOf, SAMPLES } from '../../scripts/preview/samples.ts'
import { render } from '../../src/alerts/templates/render.ts'
import { standalone } from '../../src/alerts/templates/standalone.ts'
import { BROWSER_TIMEOUT_MS, launchBrowser } from '../helpers/browser.ts'

const SCHEMES = ['light', 'dark'] as const
/** `GOLDEN_IMAGES=write` makes them anew: look at them before they are committed. */
const isWriting = process.env.GOLDEN_IMAGES === 'write'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, BROWSER_TIMEOUT_MS)
afterAll(() => browser?.close())

describe.each(SCHEMES)('in the %s', (colorScheme) => {
  it.each(['threshold-critical', 'report-weekly', 'digest'])(
    '%s looks as it did before',
    async (name) => {
      const notice = SAMPLES[name]
      if (!notice) throw new Error(`there is a sample ${name}`)
      const page = await browser.newPage({ colorScheme, viewport: { width: 640, height: 400 } })
      await page.setContent(standalone(await render(notice)))
      // Every machine has other fonts: words keep their lines and lose their letters.
      await page.addStyleTag({ content: '* { font-size: 0 !important }' })
      const seen = await page.screenshot({ fullPage: true })
      await page.close()
      const golden = new URL(`../golden/looks/${name}-${colorScheme}.png`, import.meta.url)
      if (isWriting) await writeFile(golden, seen)
      const before = await readFile(golden)
      if (seen.equals(before)) return
      const [is, was] = [picture(seen), picture(before)]
      expect([is.width, is.height]).toEqual([was.width, was.height])
      const off = is.pixels.filter((one, at) => Math.abs(one - (was.pixels[at] ?? 0)) > 16)
      // Another version of Chromium rounds a corner otherwise.
      expect(off.length / is.pixels.length).toBeLessThan(0.005)
    },
  )
})

/** Red, green, blue and opacity of each pixel, 0 to 255. */
function picture(png: Buffer) {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const size = `width="${width}" height="${height}"`
  const href = `data:image/png;base64,${png.toString('base64')}`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><image href="${href}" ${size}/></svg>`
  return {
    width,
    height,
    pixels: new Resvg(svg, { font: { loadSystemFonts: false } }).render().pixels,
  }
}

it('a message is readable in the light and in the dark', async () => {
  const { html } = await render(
    noticeOf({ ...ACME, rule: 'projected-overrun' }, { severity: 'critical' }),
  )
  const coloursOf = await readFile(new URL('colours-of.js', import.meta.url), 'utf8')
  const shades: number[] = []
  for (const colorScheme of SCHEMES) {
    const page = await browser.newPage({ colorScheme })
    await page.setContent(html)
    const seen = Colours.parse(await page.evaluate(coloursOf))
    expect(seen.length).toBeGreaterThan(20)
    await page.close()
    // https://www.w3.org/TR/WCAG22/#contrast-minimum
    for (const { text, ground } of seen) {
      expect(contrast(text, ground), `${colorScheme}: ${text} on ${ground}`).toBeGreaterThan(4.5)
    }
    shades.push(luminance(seen[0]?.ground ?? ''))
  }
  expect(shades[0]).toBeGreaterThan(0.8)
  expect(shades[1]).toBeLessThan(0.05)
})

const Colours = z.array(z.object({ text: z.string(), ground: z.string() }))

function luminance(colour: string): number {
  const channels = (colour.match(/\d+/g) ?? []).slice(0, 3).map((text) => Number(text) / 255)
  const linear = channels.map((one) =>
    one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4,
  )
  const [red = 0, green = 0, blue = 0] = linear
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}
