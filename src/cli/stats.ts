import type { Registration } from './command.ts'

/** `bursar stats`: how long the process runs, what it takes, and what waits. */
export const stats: Registration = (program, context) => {
  program
    .command('stats')
    .description('show uptime and memory of the process that answers, and what waits in the queues')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { readonly json: boolean }) => {
      const [{ statsCommand }, { ask }] = await Promise.all([
        import('../admin/stats.ts'),
        import('./place.ts'),
      ])
      const found = await ask(statsCommand, {}, context)
      const { output } = context
      if (json) return output.json(found)
      const { version, process: own, queues, redis } = found
      output.line(`bursar ${version}, process ${own.pid} for ${own.uptimeSeconds} s`)
      output.line(`memory ${mib(own.rssBytes)}, of Redis ${redis ? mib(redis.usedBytes) : '-'}`)
      output.table(
        ['QUEUE', 'WAITING', 'ACTIVE', 'PARKED'],
        queues.map(({ queue, waiting, active, parked }) => [
          queue,
          ...[waiting, active, parked].map(String),
        ]),
      )
    })
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
