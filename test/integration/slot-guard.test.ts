import { expect, inject } from 'vitest'
import { connectCommands } from '../../src/queue/connection.ts'
import { guardConnection } from '../../src/slot/guard.ts'
import { redisTest } from '../helpers/redis.ts'
import { gate, until } from './queue-rig.ts'

const quiet = { warn: () => {} }

redisTest(
  'no command passes a connection before its server was looked at, each time anew',
  async ({ redis, prefix }) => {
    const gates = [gate(), gate()]
    let looks = 0
    const commands = connectCommands({ url: inject('redisUrl'), name: prefix, timeoutMs: 10_000 })
    guardConnection(commands, async () => gates[looks++]?.wait, quiet)
    const key = `${prefix}:written`

    const first = commands.incr(key)
    await until(async () => looks === 1)
    // A whole round trip later it has not arrived.
    expect(await redis.get(key)).toBeNull()
    gates[0]?.open()
    expect(await first).toBe(1)
    expect(await commands.incr(key)).toBe(2)
    expect(looks).toBe(1)

    const id = await commands.client('ID')
    const over = new Promise((resolve) => commands.once('close', resolve))
    await redis.client('KILL', 'ID', id)
    await over
    const [again, pipelined] = [commands.incr(key), commands.pipeline().incr(key).exec()]
    await until(async () => looks === 2)
    expect(await redis.get(key)).toBe('2')
    gates[1]?.open()
    const [inPipeline = [null, 0]] = (await pipelined) ?? []
    expect([await again, inPipeline[1]].toSorted()).toEqual([3, 4])
    commands.disconnect()
  },
)

redisTest(
  'a look that fails lets nothing through: the connection is made anew, and looked at again',
  async ({ redis, prefix }) => {
    let looks = 0
    const commands = connectCommands({ url: inject('redisUrl'), name: prefix, timeoutMs: 10_000 })
    const look = async () => {
      looks += 1
      if (looks < 3) throw new Error('no answer')
    }
    guardConnection(commands, look, quiet)
    expect(await commands.set(`${prefix}:written`, looks)).toBe('OK')
    expect(looks).toBe(3)
    expect(await redis.get(`${prefix}:written`)).toBe('0')
    commands.disconnect()
  },
)

redisTest('a command that waits for a look ends after its usual time', async ({ prefix }) => {
  const commands = connectCommands({ url: inject('redisUrl'), name: prefix, timeoutMs: 100 })
  const { wait, open } = gate()
  guardConnection(commands, () => wait, quiet)
  await expect(commands.ping()).rejects.toThrow('timed out')
  open()
  commands.disconnect()
})
