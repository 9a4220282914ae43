import type { Rendered, SlackBlock } from '../notice.ts'
import type { BarRow, Story, Tone } from './story.ts'

/**
 * What Slack takes; of more than that it refuses the whole message.
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */
export const SLACK_LIMITS = {
  blocks: 50,
  header: 150,
  text: 3_000,
  field: 2_000,
  fields: 10,
  button: 75,
  url: 3_000,
  elements: 25,
} as const

const BAR_CELLS = 12
const MOST_ROWS = 8

/**
 * A story in Block Kit. What others named stands in plain text alone, where stars, backticks and emoji codes mean
 * nothing; the three characters that Slack reads everywhere are escaped.
 * @param id - of the message, in the text that notifications show: what arrived twice can be told.
 */
export function slackMessage(story: Story, id: string): Rendered['slack'] {
  const { title, lead, figures, chart, bars, notes, buttons, footer } = story
  const blocks: SlackBlock[] = [
    { type: 'header', text: plain(title, SLACK_LIMITS.header) },
    section(lead),
    ...figureBlocks(figures),
    ...(chart ? [context(chart.alt)] : []),
    ...bars.flatMap(({ title: head, rows }) => [heading(head), section(barText(rows))]),
    ...notes.flatMap(({ title: head, text }) => [heading(head), section(text)]),
    ...buttonBlocks(story, buttons),
    context(footer),
  ]
  return {
    text: escaped(`${SIGN[story.tone]} ${story.subject} (${id})`, SLACK_LIMITS.text),
    blocks: withinCount(blocks),
  }
}

/** The end says which message it is: what is too much goes before it. */
function withinCount(blocks: readonly SlackBlock[]): readonly SlackBlock[] {
  const over = blocks.length - SLACK_LIMITS.blocks
  return over > 0 ? blocks.toSpliced(SLACK_LIMITS.blocks - 1, over) : blocks
}

const SIGN: Readonly<Record<Tone, string>> = {
  critical: '🔴',
  high: '🟠',
  medium: '🟡',
  low: '🔵',
  good: '🟢',
  plain: '⚪',
}

/** Cuts first and then escapes, so that no escape is cut in two; by what it is once it is escaped. */
function escaped(text: string, most: number): string {
  let out = ''
  for (const point of text) {
    const one = ENTITIES[point] ?? point
    if (out.length + one.length > most - 1) return `${out}…`
    out += one
  }
  // A text of no characters is refused.
  return out === '' ? '-' : out
}

/** @see https://docs.slack.dev/messaging/formatting-message-text#escaping */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

const plain = (text: string, most: number) => ({
  ...{ type: 'plain_text', text: escaped(text, most), emoji: false },
})

const section = (text: string): SlackBlock => ({
  ...{ type: 'section', text: plain(text, SLACK_LIMITS.text) },
})

const context = (text: string): SlackBlock => ({
  type: 'context',
  elements: [plain(text, SLACK_LIMITS.text)],
})

/** Words of ours, but for a tag's name: stars around what holds none. */
const heading = (text: string): SlackBlock => ({
  type: 'context',
  elements: [plain(text.toUpperCase(), SLACK_LIMITS.text)],
})

function figureBlocks(figures: Story['figures']): SlackBlock[] {
  const fields = figures
    .slice(0, SLACK_LIMITS.fields)
    .map(({ label, value }) => plain(`${label}\n${value}`, SLACK_LIMITS.field))
  return fields.length > 0 ? [{ type: 'section', fields }] : []
}

/** Lengths as cells: the value stands before the name, so that values stand one under the other. */
function barText(rows: readonly BarRow[]): string {
  const lines = rows.slice(0, MOST_ROWS).map(({ name, value, note, share }) => {
    const said = `${value}${note === '' ? '' : ` (${note})`}`
    if (share === null) return `• ${name} - ${said}`
    const filled = Math.max(1, Math.round(Math.min(1, share) * BAR_CELLS))
    return `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${said}  ${name}`
  })
  const more = rows.length - MOST_ROWS
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')
}

function buttonBlocks({ tone }: Story, buttons: Story['buttons']): SlackBlock[] {
  const elements = buttons
    .filter(({ href }) => href.length <= SLACK_LIMITS.url)
    .slice(0, SLACK_LIMITS.elements)
    .map(({ kind, label, href }, at) => ({
      ...{ type: 'button', text: plain(label, SLACK_LIMITS.button), url: href },
      action_id: `bursar-${kind}`,
      ...(at === 0 && tone !== 'plain' && { style: 'primary' }),
    }))
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}
