import type { Command, Redis } from 'ioredis'
import { messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'

type Written = Parameters<Redis['sendCommand']>[1]
interface Waiting {
  readonly command: Command
  readonly stream: Written
}

/**
 * Lets no command through a connection before its server was looked at, after every (re)connect: what waits, and what a
 * broken connection sends again, stands behind the look. A look that fails ends the connection, and the next one is
 * looked at again. Commands that wait fail after their usual time.
 * @param look - asks over the connection that it is given, which is not guarded.
 */
export function guardConnection(
  redis: Redis,
  look: (unguarded: Redis) => Promise<void>,
  logger: Pick<Logger, 'warn'>,
): void {
  const send = redis.sendCommand.bind(redis)
  const unguarded: Redis = Object.create(redis, { sendCommand: { value: send } })
  let trusted: unknown = null
  let lookedAt: unknown = null
  let waiting: Waiting[] = []

  const letThrough = () => {
    const through = waiting
    waiting = []
    // A connection that broke meanwhile makes them wait once more.
    for (const { command, stream } of through) {
      if (!command.isSettled) void redis.sendCommand(command, stream)
    }
  }

  const lookNow = async (): Promise<void> => {
    const { stream } = redis
    if (stream === lookedAt || stream === trusted) return
    lookedAt = stream
    try {
      await look(unguarded)
      if (redis.stream === stream) trusted = stream
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'the server was not looked at; connecting again')
      if (redis.stream === stream && redis.status === 'ready') redis.disconnect(true)
    }
    letThrough()
  }

  redis.on('ready', () => void lookNow())
  redis.sendCommand = (command, stream) => {
    if (redis.status !== 'ready' || redis.stream === trusted) return send(command, stream)
    const { commandTimeout } = redis.options
    if (typeof commandTimeout === 'number') command.setTimeout(commandTimeout)
    waiting.push({ command, stream })
    void lookNow()
    return command.promise
  }
}
