import { writeDueFiles } from '../src/ledger/exports/scheduled.ts'
import type { TickedJob } from './runner.ts'

/** Writes files of charges for the days and months that are over, as the policy asks. */
export const writeExports: TickedJob = {
  name: 'write-exports',
  about: 'write files of charges for days and months that are over',
  schedule: '20 * * * *',
  missed: 'latest',
  limitMs: 3_000_000,
  async run({ ledger, rules, clock }, { signal }) {
    const { exports = [] } = rules.current().policy
    const files = await writeDueFiles(ledger, exports, { nowMs: clock.now(), signal })
    if (files.length === 0) return undefined
    return {
      files: files.map(({ path }) => path),
      rows: files.reduce((n, { rows }) => n + rows, 0),
    }
  },
}
