import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createTransport } from 'nodemailer'
import { standalone } from '../templates/standalone.ts'
import { mailOf } from './mail.ts'
import { slackMessage } from './slack.ts'
import type { Outgoing, Sender } from './types.ts'

/** Where a message lies. */
export interface Written {
  readonly mail: string
  /** For browsers. */
  readonly page: string
  readonly slack: string
}

/** Writes e-mails into a folder instead of sending them. @param from - sender. */
export const fileSender = (folder: string, from: () => string): Sender<'email'> => ({
  async send({ to }, message) {
    const { mail } = await writeMessage(folder, message, { from: from(), to })
    return { outcome: 'accepted', note: mail }
  },
  async close() {},
})

/** Writes a message as `<id>.eml`, as a page `<id>.html`, and what Slack would get as `<id>.slack.json`. Again is the same. */
export async function writeMessage(
  folder: string,
  message: Outgoing,
  { from, to }: { readonly from: string; readonly to: readonly string[] },
): Promise<Written> {
  await mkdir(folder, { recursive: true })
  const base = join(resolve(folder), message.notice.id)
  const files = filesOf(base)
  await writeWhole(files.mail, await rawMail(message, from, to))
  await writeWhole(files.page, standalone(message.rendered))
  await writeWhole(files.slack, `${JSON.stringify(slackMessage(message), null, 2)}\n`)
  return files
}

/** The names of a message's files. @param base - path without an extension. */
export const filesOf = (base: string): Written => ({
  ...{ mail: `${base}.eml`, page: `${base}.html`, slack: `${base}.slack.json` },
})

/** A message as it would travel. */
export async function rawMail(
  message: Outgoing,
  from: string,
  to: readonly string[],
): Promise<Buffer> {
  const transport = createTransport({ streamTransport: true, buffer: true })
  const { message: raw } = await transport.sendMail(mailOf(message, from, to))
  return Buffer.isBuffer(raw) ? raw : Buffer.from(String(raw))
}

/** Nobody reads half a file. */
async function writeWhole(path: string, content: Buffer | string): Promise<void> {
  const half = `${path}.${process.pid}.part`
  await writeFile(half, content, { mode: 0o600 })
  await rename(half, path)
}
