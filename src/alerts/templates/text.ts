import type { BarRow, Bars, Figure, Story } from './story.ts'

/** Widest line: what is quoted twice still fits on 80. */
const WIDTH = 74
const BAR_CELLS = 16

/** The message for who reads plain text: all of it, in one narrow column. */
export function plainText(story: Story): string {
  const { badge, title, lead, figures, chart, bars, notes, buttons, footer } = story
  const parts = [
    [...wrapped(`[${badge}] ${title}`), '', ...wrapped(lead)],
    figureLines(figures),
    chart ? wrapped(chart.alt) : [],
    ...bars.map(barLines),
    ...notes.map(({ title: head, text }) => [head, ...wrapped(text, '  ')]),
    buttons.flatMap(({ label, href }) => [`${label}:`, `  ${href}`]),
    // https://www.rfc-editor.org/rfc/rfc3676#section-4.3: what follows is a signature.
    ['-- ', ...wrapped(`Bursar: ${footer}`)],
  ]
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function figureLines(figures: readonly Figure[]): string[] {
  const width = Math.max(0, ...figures.map(({ label }) => label.length)) + 2
  return figures.map(({ label, value }) => `${`${label}:`.padEnd(width)} ${value}`)
}

const barLines = ({ title, rows }: Bars): string[] => [title, ...rows.flatMap(rowLines)]

function rowLines({ name, value, note, share }: BarRow): string[] {
  const said = `${value}${note === '' ? '' : ` (${note})`}`
  if (share === null) return [...wrapped(name, '  '), `    ${said}`]
  const filled = Math.max(1, Math.round(Math.min(1, share) * BAR_CELLS))
  const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}`
  return [`  ${bar} ${said}  ${name}`]
}

/** Breaks at blanks; a word that is too long keeps its line, so that it can be copied whole. */
function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && indent.length + longer.length > WIDTH) {
      lines.push(indent + line)
      line = word
    } else line = longer
  }
  return [...lines, indent + line]
}
