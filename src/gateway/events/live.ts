import { messageOf } from '../../errors.ts'
import type { ServerEvent } from '../event-stream.ts'
import type { GatewayRuntime } from '../parts.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { createWatch } from './watch.ts'

const LOOK_EVERY_MS = 1_000

/** What happens, for whoever watches; it is a view, and the ledger is the record. */
export interface LiveEvents {
  /** Begins now. @returns events, and how to leave. */
  listen(): Inbox
  close(): void
}

type LiveParts = Pick<GatewayRuntime, 'ledger' | 'queues' | 'logger'>

/**
 * Looks once a second at what is new, however many listen, and not at all while nobody does: `outcome` of requests,
 * `threshold` of budgets, `change` by operators and policy files, and `parked`, how much work waits.
 */
export function createLiveEvents(parts: LiveParts): LiveEvents {
  const listeners = new Set<Inbox>()
  let timer: NodeJS.Timeout | undefined
  let watch = createWatch(parts)
  let looking = false
  /** What somebody who comes now hears first; null = nobody has looked. */
  let parked: ServerEvent | null = null

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      for (const event of await watch()) {
        if (event.event === 'parked') parked = event
        for (const one of listeners) one.put(event)
      }
    } catch (error) {
      parts.logger.debug({ reason: messageOf(error) }, 'live events wait for the ledger')
    } finally {
      looking = false
    }
  }

  function leave(inbox: Inbox): void {
    listeners.delete(inbox)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    listen() {
      const inbox = createInbox()
      if (listeners.size === 0) {
        watch = createWatch(parts)
        parked = null
        void look()
        timer = setInterval(() => void look(), LOOK_EVERY_MS).unref()
      }
      if (parked) inbox.put(parked)
      listeners.add(inbox)
      const close = () => {
        inbox.close()
        leave(inbox)
      }
      return { ...inbox, close }
    },
    close() {
      for (const inbox of listeners) inbox.close()
      listeners.clear()
      clearInterval(timer)
    },
  }
}
