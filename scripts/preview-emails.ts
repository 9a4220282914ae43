/**
 * Writes every message in every state to a folder, with a page that lists them: `npm run preview:emails [-- FOLDER]`.
 * Open `index.html`; each message is there as e-mail, as plain text and as Slack blocks for the Block Kit Builder.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LARGEST_HTML_BYTES, render } from '../src/alerts/templates/render.ts'
import { standalone } from '../src/alerts/templates/standalone.ts'
import { SAMPLES } from './preview/samples.ts'

const folder = resolve(process.argv[2] ?? '.preview')
await mkdir(folder, { recursive: true })
const rows: string[] = []
for (const [name, notice] of Object.entries(SAMPLES)) {
  const rendered = await render(notice)
  const { html, text, slack, subject, attachments } = rendered
  for (const { cid, content, filename } of attachments) {
    if (cid === null) await writeFile(join(folder, filename), content)
  }
  await writeFile(join(folder, `${name}.html`), standalone(rendered))
  await writeFile(join(folder, `${name}.txt`), text)
  await writeFile(join(folder, `${name}.slack.json`), JSON.stringify(slack, null, 2))
  const kb = (Buffer.byteLength(html) / 1_024).toFixed(1)
  rows.push(
    `<tr><td><a href="${name}.html">${name}</a><td><a href="${name}.txt">text</a><td><a href="${name}.slack.json">Slack</a><td>${kb} of ${LARGEST_HTML_BYTES / 1_024} KB<td>${escapeHtml(subject)}`,
  )
}
await writeFile(
  join(folder, 'index.html'),
  `<!doctype html><meta charset="utf-8"><title>Messages</title><style>:root{color-scheme:light dark}body{font:15px system-ui;margin:2rem}td{padding:.25rem .75rem}</style><h1>Messages</h1><table>${rows.join('\n')}</table>\n`,
)
process.stdout.write(`${join(folder, 'index.html')}\n`)

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
