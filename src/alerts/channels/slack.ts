import {
  IncomingWebhook,
  IncomingWebhookHTTPError,
  IncomingWebhookRequestError,
} from '@slack/webhook'
import type { Rendered } from '../notice.ts'
import {
  judgeStatus,
  type Outgoing,
  SEND_LIMIT_MS,
  type Sender,
  type Sent,
  unanswered,
} from './types.ts'

/** Sends to incoming webhooks of Slack. @param limitMs - for the whole of one try. */
export function slackSender(limitMs = SEND_LIMIT_MS): Sender<'slack'> {
  const post = async (url: string, message: SlackMessage): Promise<Sent> => {
    try {
      await new IncomingWebhook(url, { timeout: limitMs }).send(message)
      return { outcome: 'accepted', note: null }
    } catch (error) {
      return judge(error)
    }
  }
  return {
    async send({ hook }, message) {
      const sent = await post(hook.value, slackMessage(message))
      // Blocks that Slack does not take are no reason to say nothing.
      if (sent.outcome !== 'refused' || sent.error !== BAD_BLOCKS) return sent
      return post(hook.value, plain(message))
    },
    async close() {},
  }
}

type SlackMessage = Readonly<Parameters<IncomingWebhook['send']>[0]> & object

/** What is posted: also what is shown to who has no Slack yet. */
export const slackMessage = ({ notice, rendered: { slack } }: Outgoing): SlackMessage => ({
  text: withId(slack.text, notice.id),
  blocks: [...slack.blocks],
  ...{ unfurl_links: false, unfurl_media: false },
})

const plain = ({ notice, rendered }: Outgoing): SlackMessage => ({
  text: withId(rendered.slack.text, notice.id),
})

/** Receivers know a message again by it. */
const withId = (text: Rendered['slack']['text'], id: string): string =>
  text.includes(id) ? text : `${text} (${id})`

const BAD_BLOCKS = 'HTTP 400'

function judge(error: unknown): Sent {
  if (error instanceof IncomingWebhookHTTPError) return judgeStatus(error.statusCode, null)
  return unanswered(error instanceof IncomingWebhookRequestError ? error.original : error)
}
