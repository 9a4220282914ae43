import type { SendMailOptions } from 'nodemailer'
import type { Outgoing } from './types.ts'

/** A message as mail programs read it. @param to - addresses. */
export function mailOf(
  { notice, rendered }: Outgoing,
  from: string,
  to: readonly string[],
): SendMailOptions {
  const host = hostOf(from)
  const isFirst = notice.id.endsWith('-1') || notice.id === notice.thread
  const root = `<${notice.thread}-1@${host}>`
  return {
    ...{ from, to: [...to], subject: rendered.subject, text: rendered.text, html: rendered.html },
    messageId: `<${notice.id}@${host}>`,
    date: new Date(notice.atMs),
    // Mail programs show what has the same root as one thread.
    ...(isFirst ? {} : { inReplyTo: root, references: [root] }),
    headers: {
      'X-Bursar-Alert': notice.thread,
      'X-Bursar-Severity': notice.severity,
      // Nobody is away from an alert: https://www.rfc-editor.org/rfc/rfc3834
      'Auto-Submitted': 'auto-generated',
    },
    attachments: rendered.attachments.map(({ filename, contentType, content, cid }) => ({
      ...{ filename, contentType, content: Buffer.from(content) },
      ...(cid === null ? {} : { cid, contentDisposition: 'inline' as const }),
    })),
    // Whatever a template says, no file of ours and no address is read.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  }
}

const hostOf = (from: string): string => /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? 'bursar.invalid'
