import type { Attachment, Render } from '../notice.ts'
import { CHART_CID } from './chart-size.ts'
import { slackMessage } from './slack.ts'
import type { Story } from './story.ts'
import { storyOf } from './story-of.ts'
import { plainText } from './text.ts'

/** Mail programs cut what is longer, with a link to the rest. Bytes. */
export const LARGEST_HTML_BYTES = 100 * 1_024

/**
 * Writes a notice as e-mail, plain text and Slack blocks. Whatever names are in it, the HTML stays under 100 KB and the
 * blocks within Slack's limits.
 */
export const render: Render = async (notice) => {
  const story = storyOf(notice)
  return {
    subject: story.subject,
    html: await htmlOf(story),
    text: plainText(story),
    slack: slackMessage(story, notice.id),
    attachments: [...(await chartOf(story)), ...story.files],
  }
}

/** React and its parts are loaded by who writes e-mails, at the first one: that takes a second. */
async function htmlOf(story: Story): Promise<string> {
  const { mailHtml } = await import('./email/html.tsx')
  const html = await mailHtml(story)
  if (Buffer.byteLength(html) <= LARGEST_HTML_BYTES) return html
  return mailHtml({
    ...story,
    bars: story.bars.map(({ rows, ...bars }) => ({ ...bars, rows: rows.slice(0, 5) })),
  })
}

async function chartOf({ chart }: Story): Promise<Attachment[]> {
  if (!chart) return []
  const { pictureOf } = await import('./chart.ts')
  const content = pictureOf(chart.shape)
  return [{ filename: 'chart.png', contentType: 'image/png', content, cid: CHART_CID }]
}
