import { setFlagsFromString } from 'node:v8'
import { exportPageCommand } from '../admin/export/page.ts'
import { usageCommand } from '../admin/usage/spend.ts'
import { writeWhole } from '../ledger/exports/file.ts'
import { type FormatChoice, formatOf } from '../ledger/exports/formats.ts'
import {
  EXPORT_PAGE_ROWS,
  type Exported,
  type NextPage,
  writeExport,
} from '../ledger/exports/write.ts'
import type { Range } from '../ledger/questions/pieces.ts'
import { formatUsd } from '../money/usd.ts'
import type { CliContext } from './command.ts'
import { withBursar } from './place.ts'

interface Wanted {
  readonly choice: FormatChoice
  readonly range: Range
  /** A file, or `-`. */
  readonly out: string
}

/** Writes the file with a bar on stderr, and says what it adds up to. Throws what `ask` throws, INVALID_FILE. */
export async function exportFile(
  { choice, range, out }: Wanted,
  context: CliContext,
): Promise<void> {
  const { output } = context
  // One page is alive at a time, but V8 lets garbage grow to four times what is alive, 250 MB in all, before it looks.
  setFlagsFromString('--heap-growing-percent=50')
  const written = await withBursar(context, async (ask) => {
    const asked = { from: isoOf(range.fromMs), to: isoOf(range.toMs), before: false }
    const { total } = await ask(usageCommand, asked)
    const bar = output.progress(total.now.calls)
    const next: NextPage = (after) =>
      ask(exportPageCommand, { ...range, limit: EXPORT_PAGE_ROWS, ...(after && { after }) })
    const sofar = ({ calls, costNano }: Exported) => bar.update(calls, `${formatUsd(costNano)} USD`)
    try {
      const format = formatOf(choice)
      return out === '-'
        ? await writeExport(next, format, output.stdout, sofar)
        : await writeWhole(out, (file) => writeExport(next, format, file, sofar))
    } finally {
      bar.stop()
    }
  })
  output.note(
    `${written.rows} charges of ${formatUsd(written.costNano)} USD (list ${formatUsd(written.listNano)} USD)`,
  )
}

const isoOf = (atMs: number): string => new Date(atMs).toISOString()
