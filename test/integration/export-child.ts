import { createWriteStream } from 'node:fs'
import { formatOf } from '../../src/ledger/exports/formats.ts'
import { exportPage } from '../../src/ledger/exports/rows.ts'
import { EXPORT_PAGE_ROWS, writeExport } from '../../src/ledger/exports/write.ts'
import { openLedger } from '../../src/ledger/open.ts'

/** Writes a FOCUS file of everything before an instant to nowhere, and says how much of memory was in use at most. */
const [databaseUrl = '', toMs] = process.argv.slice(2)
const ledger = await openLedger({ databaseUrl })
if (!globalThis.gc) throw new Error('start it with --expose-gc')
const { gc } = globalThis
const out = createWriteStream('/dev/null')
const range = { fromMs: 0, toMs: Number(toMs), limit: EXPORT_PAGE_ROWS }
let pages = 0
let most = 0
/** What is held, once what nobody holds is gone: the resident set depends on the collector and on the system's pages as well. */
function look(): void {
  pages += 1
  if (pages % 10 > 0) return
  gc()
  const { heapUsed, external } = process.memoryUsage()
  most = Math.max(most, heapUsed + external)
}
const written = await writeExport(
  (after) => exportPage(ledger, { ...range, ...(after && { after }) }),
  formatOf({ format: 'focus', focusVersion: '1.4', account: { id: 'acme', name: null } }),
  out,
  look,
)
out.end()
await ledger.close()
const maxMb = Math.round(most / 2 ** 20)
process.stdout.write(JSON.stringify({ ...written, maxMb }))
