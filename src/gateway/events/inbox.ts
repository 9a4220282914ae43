import type { ServerEvent } from '../event-stream.ts'

/** Events on their way to one listener, at most so many: who reads too slowly is told how many were left out. */
export interface Inbox {
  put(event: ServerEvent): void
  /** Ends when the inbox is closed. */
  events(): AsyncGenerator<ServerEvent, void>
  close(): void
}

const MOST_WAITING = 1_000

export function createInbox(most = MOST_WAITING): Inbox {
  const waiting: ServerEvent[] = []
  let dropped = 0
  let closed = false
  let wake = () => {}
  return {
    put(event) {
      if (waiting.length < most) waiting.push(event)
      else dropped += 1
      wake()
    },
    async *events() {
      while (!closed) {
        const next = waiting.shift()
        if (next) yield next
        else if (dropped > 0) {
          const event = { event: 'dropped', data: { events: dropped } }
          dropped = 0
          yield event
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
    close() {
      closed = true
      wake()
    },
  }
}
