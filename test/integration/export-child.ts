import { createWriteStream } from 'node:fs'
import { formatOf } from '../../src/ledger/exports/formats.ts'
import { exportPage } from '../../src/ledger/exports/rows.ts'
import { EXPORT_PAGE_ROWS, writeExport } from '../../src/ledger/exports/write.ts'
import { openLedger } from '../../src/ledger/open.ts'

/** Writes a FOCUS file of everything before an instant to nowhere, and says how much memory that took at most. */
const [databaseUrl = '', toMs] = process.argv.slice(2)
const ledger = await openLedger({ databaseUrl })
const out = createWriteStream('/dev/null')
const range = { fromMs: 0, toMs: Number(toMs), limit: EXPORT_PAGE_ROWS }
const written = await writeExport(
  (after) => exportPage(ledger, { ...range, ...(after && { after }) }),
  formatOf({ format: 'focus', focusVersion: '1.4', account: { id: 'acme', name: null } }),
  out,
)
out.end()
await ledger.close()
const maxMb = Math.round(process.resourceUsage().maxRSS / 1_024)
process.stdout.write(JSON.stringify({ ...written, maxMb }))
