import { Gauge, type Registry } from 'prom-client'
import type { SessionStats } from './types.ts'

/** Shows how many are signed in, for whoever scrapes a process that runs jobs. @returns shows the latest figures. */
export function createSessionGauges(
  registry: Registry,
): (stats: Pick<SessionStats, 'active' | 'users'>) => void {
  const registers = [registry]
  const active = new Gauge({
    name: 'bursar_sessions_active',
    help: 'Sessions of the application that are open',
    registers,
  })
  const users = new Gauge({
    name: 'bursar_sessions_users',
    help: 'People who have an open session',
    registers,
  })
  return (stats) => {
    active.set(stats.active)
    users.set(stats.users)
  }
}
