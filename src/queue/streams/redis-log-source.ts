import type { Redis } from 'ioredis'
import { redisError } from '../check-redis.ts'
import { logKey } from './chunk-log.ts'
import type { LogSource } from './follow.ts'

type Listener = (id: string, entry: string) => void

/**
 * Logs in Redis, followed over one subscriber connection.
 * @param subscriber - connects at the first subscription; the caller owns and closes both.
 */
export function createLogSource(commands: Redis, subscriber: Redis): LogSource {
  const listeners = new Map<string, Set<Listener>>()
  subscriber.on('message', (channel: string, message: string) => {
    const cut = message.indexOf(' ')
    for (const listener of listeners.get(channel) ?? []) {
      listener(message.slice(0, cut), message.slice(cut + 1))
    }
  })

  async function leave(channel: string, listener: Listener): Promise<void> {
    const here = listeners.get(channel)
    here?.delete(listener)
    if (here?.size !== 0) return
    listeners.delete(channel)
    await subscriber.unsubscribe(channel).catch(() => {})
  }

  return {
    async subscribe(job, listener) {
      const channel = logKey(job)
      const here = listeners.get(channel) ?? new Set()
      listeners.set(channel, here.add(listener))
      try {
        await subscriber.subscribe(channel)
      } catch (error) {
        await leave(channel, listener)
        throw redisError(error)
      }
      return () => leave(channel, listener)
    },
    async range(job, afterId, limit) {
      const from = afterId === '0' ? '-' : `(${afterId}`
      try {
        const rows = await commands.xrange(logKey(job), from, '+', 'COUNT', limit)
        return rows.map(([id, fields]) => [id, fields[1] ?? ''] as const)
      } catch (error) {
        throw redisError(error)
      }
    },
    onReconnect(listener) {
      subscriber.on('ready', listener)
      return () => void subscriber.off('ready', listener)
    },
  }
}
