import type { Rendered } from '../notice.ts'

/** The HTML of a message with its pictures in it: what a browser shows to whoever has no mail program. Pure. */
export const standalone = ({ html, attachments }: Pick<Rendered, 'html' | 'attachments'>): string =>
  attachments.reduce(
    (page, { cid, contentType, content }) =>
      cid === null
        ? page
        : page.replaceAll(
            `cid:${cid}`,
            `data:${contentType};base64,${Buffer.from(content).toString('base64')}`,
          ),
    html,
  )
