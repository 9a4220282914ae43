import { once } from 'node:events'
import { addNano, type Nano } from '../../money/nano.ts'
import type { ExportFormat } from './formats.ts'
import type { ExportPage, ExportRow } from './rows.ts'

/** What a file holds; the sums equal those of `usage` of the same time. */
export interface Exported {
  readonly rows: number
  readonly calls: number
  readonly costNano: Nano
  readonly listNano: Nano
}

/** Rows that are asked for at a time: what is in memory of an export, and a fraction of a megabyte. */
export const EXPORT_PAGE_ROWS = 500

/** Where pages come from. */
export type NextPage = (after: string | undefined) => Promise<ExportPage>

/**
 * Writes charges page by page and waits for whoever reads: memory holds one page, however many there are. The stream
 * stays the caller's to end.
 * @param onPage - told what is written so far.
 * @throws what pages throw, and the stream's error.
 */
export async function writeExport(
  next: NextPage,
  format: ExportFormat,
  out: NodeJS.WritableStream,
  onPage: (sofar: Exported) => void = () => {},
): Promise<Exported> {
  const broken = brokenSignal(out)
  let sums: Exported = { rows: 0, calls: 0, costNano: 0, listNano: 0 }
  let after: string | undefined
  await flowed(out, format.head, broken)
  for (;;) {
    const page = await next(after)
    await flowed(out, page.rows.map(format.line).join(''), broken)
    sums = added(sums, page.rows)
    onPage(sums)
    if (page.next === null) return sums
    after = page.next
  }
}

const added = (sums: Exported, rows: readonly ExportRow[]): Exported => ({
  rows: sums.rows + rows.length,
  calls: sums.calls + rows.filter(({ kind }) => kind === 'call').length,
  costNano: addNano(sums.costNano, ...rows.map(({ costNano }) => costNano)),
  listNano: addNano(sums.listNano, ...rows.map(({ listNano }) => listNano)),
})

async function flowed(
  out: NodeJS.WritableStream,
  text: string,
  broken: AbortSignal,
): Promise<void> {
  broken.throwIfAborted()
  if (text === '' || out.write(text)) return
  await once(out, 'drain', { signal: broken }).catch((error: unknown) => {
    broken.throwIfAborted()
    throw error
  })
}

/** A stream that breaks while nobody waits for it breaks the next wait. */
function brokenSignal(out: NodeJS.WritableStream): AbortSignal {
  const broken = new AbortController()
  out.once('error', (error) => broken.abort(error))
  out.once('close', () =>
    broken.abort(new Error('the stream was closed before the export was whole')),
  )
  return broken.signal
}
