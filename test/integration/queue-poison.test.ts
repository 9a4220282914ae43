import { expect, it } from 'vitest'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { startRig, until } from './queue-rig.ts'

it('a job that killed its workers again and again ends typed, without another call', async () => {
  const rig = await startRig({ workers: false })
  try {
    const { client, runtime, tap } = rig
    const { interactive } = runtime.queues
    const answer = client.run({
      user: 'rich',
      model: 'auto',
      jobId: 'poisonous-job',
      messages: [{ role: 'user', content: 'kill whoever takes it' }],
    })
    const told = expect(answer).rejects.toMatchObject({ code: 'ATTEMPTS_EXHAUSTED' })
    await until(async () => (await interactive.getPrioritizedCount()) === 1)
    await rig.countDeaths('poisonous-job', 3)
    await rig.startWorkers()
    await told
    await rig.drain()
    expect(tap.calls).toHaveLength(0)
    expect(await outcomeCounts(runtime.ledger)).toMatchObject({ failed: 1, answered: 0 })
  } finally {
    await rig.close()
  }
})
