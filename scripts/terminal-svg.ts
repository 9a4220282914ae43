/** Draws the text of a terminal, colours and all, as an SVG of text: small, sharp, searchable. */

const CELL = { width: 8.4, height: 20, font: 14 }
const BAR_HEIGHT = 14
const EDGE = { left: 24, top: 56, bottom: 20 }
const COLOURS = {
  text: '#c9d1d9',
  dim: '#7d8590',
  red: '#f85149',
  green: '#3fb950',
  yellow: '#d29922',
  blue: '#58a6ff',
  cyan: '#39c5cf',
} as const
type Ink = keyof typeof COLOURS
// https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters, those that styleText writes
const INKS: Readonly<Record<string, Ink>> = {
  '2': 'dim',
  '31': 'red',
  '32': 'green',
  '33': 'yellow',
  '34': 'blue',
  '36': 'cyan',
}
const BLOCKS = '▏▎▍▌▋▊▉█'
const STEPS = '▁▂▃▄▅▆▇█'

interface Run {
  readonly at: number
  readonly text: string
  readonly ink: Ink
  readonly bold: boolean
}

/** @param text - as a terminal is sent it; only colours and bold are understood. */
export function drawTerminal(command: string, text: string): string {
  const lines = [`\u001b[2m$\u001b[22m \u001b[1m${command}\u001b[22m`, '', ...text.split('\n')]
  const rows = lines.map(runsOf)
  const ends = rows.flatMap((runs) => runs.map((run) => run.at + run.text.length))
  const width = Math.ceil(Math.max(...ends) * CELL.width + 2 * EDGE.left)
  const height = EDGE.top + lines.length * CELL.height + EDGE.bottom
  const body = rows.flatMap((runs, row) => runs.map((run) => draw(run, row)))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(command)}">
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
<g><circle cx="26" cy="24" r="6" fill="#f85149"/><circle cx="46" cy="24" r="6" fill="#d29922"/><circle cx="66" cy="24" r="6" fill="#3fb950"/></g>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.font}" xml:space="preserve">
${body.filter((one) => one !== '').join('\n')}
</g>
</svg>
`
}

const ESCAPE = '\u001b['
/** Bars in one piece, other blocks one by one, words with single blanks between them. */
const PIECES = /█+|[▁-▏]| {2,}|(?:(?! {2})[^▁-▏])+/g

/** Cuts a line where its colour changes, where blanks are many, and where bars begin and end. */
function runsOf(line: string): Run[] {
  const runs: Run[] = []
  let at = 0
  let ink: Ink = 'text'
  let bold = false
  for (const [index, part] of line.split(ESCAPE).entries()) {
    const end = index === 0 ? -1 : part.indexOf('m')
    const code = part.slice(0, Math.max(end, 0))
    if (code === '1') bold = true
    else if (code === '22') [bold, ink] = [false, ink === 'dim' ? 'text' : ink]
    else if (code !== '') ink = INKS[code] ?? 'text'
    for (const [text] of part.slice(end + 1).matchAll(PIECES)) {
      runs.push({ at, text, ink, bold })
      at += text.length
    }
  }
  return runs
}

function draw({ at, text, ink, bold }: Run, row: number): string {
  const words = text.trim()
  if (words === '') return ''
  const top = EDGE.top + row * CELL.height
  const x = EDGE.left + (at + text.length - text.trimStart().length) * CELL.width
  if (/^[▁-▏]/.test(words)) return drawBlocks(words, x, top, COLOURS[ink])
  const length = round(words.length * CELL.width)
  const weight = bold ? ' font-weight="bold"' : ''
  return `<text x="${round(x)}" y="${top + 15}" textLength="${length}" fill="${COLOURS[ink]}"${weight}>${escaped(words)}</text>`
}

/** Blocks are drawn: fonts leave gaps between them. */
function drawBlocks(blocks: string, x: number, top: number, fill: string): string {
  const up = STEPS.indexOf(blocks) + 1
  const isStep = up > 0 && up < STEPS.length
  const across = blocks.startsWith('█') ? blocks.length * 8 : BLOCKS.indexOf(blocks) + 1
  const width = isStep ? CELL.width : (CELL.width * across) / 8
  const height = isStep ? (BAR_HEIGHT * up) / STEPS.length : BAR_HEIGHT
  const y = top + CELL.height - 2 - height
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`
}

const round = (value: number): number => Math.round(value * 100) / 100
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`)
