import type { CSSProperties } from 'react'
import type { Tone } from './story.ts'

/** Colours of pictures: apart on white and on near black. */
export const SPEND_COLOUR = '#3b82c4'
export const LIMIT_COLOUR = '#d64550'
export const BUTTON_COLOUR = '#1f5fa8'

/** One for each tone; white is readable on all of them (4.5:1 and more). */
export const TONE_COLOUR: Readonly<Record<Tone, string>> = {
  critical: '#b3182d',
  high: '#b54708',
  medium: '#8a6100',
  low: '#2563a8',
  good: '#18704a',
  plain: '#475467',
}

export const INK = {
  page: '#f2f4f7',
  card: '#ffffff',
  text: '#1a1f29',
  soft: '#5a6473',
  line: '#e3e7ed',
  track: '#e6eaf0',
} as const

const NIGHT = {
  page: '#0e1116',
  card: '#191d24',
  text: '#eceff4',
  soft: '#a3adbb',
  line: '#2d333d',
  track: '#2b313b',
} as const

/**
 * Overrides for readers who like it dark. Mail programs that know no media queries leave it light. Classes name the
 * part: what stands inline is the light form.
 */
export const DARK_STYLE = [
  ':root { color-scheme: light dark; supported-color-schemes: light dark; }',
  `.page { background-color: ${INK.page}; }`,
  '@media (prefers-color-scheme: dark) {',
  `  .page { background-color: ${NIGHT.page} !important; }`,
  `  .card { background-color: ${NIGHT.card} !important; }`,
  // Not above: there it has the colour of how bad it is.
  ...['left', 'right', 'bottom'].map(
    (side) => `  .card { border-${side}-color: ${NIGHT.line} !important; }`,
  ),
  `  .text { color: ${NIGHT.text} !important; }`,
  `  .soft { color: ${NIGHT.soft} !important; }`,
  `  .line { border-color: ${NIGHT.line} !important; }`,
  `  .track { background-color: ${NIGHT.track} !important; }`,
  `  .quiet { color: ${NIGHT.text} !important; border-color: ${NIGHT.soft} !important; }`,
  '}',
  '@media (max-width: 480px) { .pad { padding-left: 18px !important; padding-right: 18px !important; } }',
].join('\n')

const FONT =
  "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

const base: CSSProperties = { fontFamily: FONT, margin: 0, wordBreak: 'break-word' }

/** How each kind of text looks. */
export const STYLE = {
  brand: { ...base, fontSize: 13, lineHeight: '20px', color: INK.soft, fontWeight: 600 },
  title: { ...base, fontSize: 22, lineHeight: '29px', color: INK.text, fontWeight: 650 },
  lead: { ...base, fontSize: 15, lineHeight: '23px', color: INK.text },
  head: {
    ...base,
    ...{ fontSize: 12, lineHeight: '18px', color: INK.soft, fontWeight: 600 },
    ...{ letterSpacing: '0.04em', textTransform: 'uppercase' },
  },
  label: { ...base, fontSize: 13, lineHeight: '18px', color: INK.soft },
  value: { ...base, fontSize: 15, lineHeight: '21px', color: INK.text, fontWeight: 600 },
  name: { ...base, fontSize: 14, lineHeight: '20px', color: INK.text },
  small: { ...base, fontSize: 12, lineHeight: '18px', color: INK.soft },
} as const satisfies Readonly<Record<string, CSSProperties>>
