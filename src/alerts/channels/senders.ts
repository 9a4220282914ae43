import type { AlertPolicy, ChannelPolicy } from '../../config/alert-types.ts'
import { fileSender } from './files.ts'
import { slackSender } from './slack.ts'
import { smtpSender } from './smtp.ts'
import type { Outgoing, Sent } from './types.ts'
import { webhookSender } from './webhook.ts'

/** Every way out of the house. */
export interface Senders {
  /** Never throws for what a receiver does. */
  send(channel: ChannelPolicy, message: Outgoing): Promise<Sent>
  close(): Promise<void>
}

export interface SenderParts {
  /** What holds now. */
  readonly policy: () => AlertPolicy
  /** Where messages lie while no mail server is known. */
  readonly folder: string
  /** For the whole of one try, ms; absent = 20 s. */
  readonly limitMs?: number
}

/** Opens nothing before the first message. */
export function createSenders({ policy, folder, limitMs }: SenderParts): Senders {
  const smtp = smtpSender(() => policy().email, limitMs)
  const files = fileSender(folder, () => policy().email.from)
  const slack = slackSender(limitMs)
  const webhook = webhookSender(limitMs)
  return {
    send(channel, message) {
      switch (channel.kind) {
        case 'email':
          return (policy().email.smtp?.value ? smtp : files).send(channel, message)
        case 'slack':
          return slack.send(channel, message)
        case 'webhook':
          return webhook.send(channel, message)
      }
    },
    async close() {
      await Promise.all([smtp, files, slack, webhook].map((sender) => sender.close()))
    },
  }
}
