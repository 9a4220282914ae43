import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CalendarWindow, windowAt } from '../../admission/windows.ts'
import type { ExportPolicy } from '../../config/policy-types.ts'
import type { Ledger } from '../ledger.ts'
import { writeWhole } from './file.ts'
import { formatOf } from './formats.ts'
import { exportPage } from './rows.ts'
import { EXPORT_PAGE_ROWS, type Exported, writeExport } from './write.ts'

/** Calls that were admitted at the end of a day are settled, and in the ledger, some hours later at the latest. */
const SETTLED_AFTER_MS = 6 * 3_600_000
/** A process that was away for longer leaves older files to `bursar export`. */
const LOOK_BACK = 7

export interface WrittenFile extends Exported {
  readonly path: string
}

/**
 * Writes the files of days or months that are over and have none yet, oldest first; a file that is there is left as it is.
 * @param signal - aborted: no further file is begun, and the one under way is given up.
 * @throws {BursarError} INVALID_FILE, LEDGER_UNAVAILABLE.
 */
export async function writeDueFiles(
  ledger: Pick<Ledger, 'db'>,
  exports: readonly ExportPolicy[],
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<WrittenFile[]> {
  const written: WrittenFile[] = []
  for (const policy of exports) {
    for (const window of windowsOver(policy, nowMs)) {
      const { extension } = formatOf(choiceOf(policy))
      const path = join(policy.folder, `${policy.id}-${window.id}.${extension}`)
      if (signal.aborted) return written
      if (await isThere(path)) continue
      written.push({ path, ...(await writeOne(ledger, policy, window, { path, signal })) })
    }
  }
  return written
}

function windowsOver({ per, timezone }: ExportPolicy, nowMs: number): CalendarWindow[] {
  const windows: CalendarWindow[] = []
  let atMs = windowAt({ per }, timezone, nowMs - SETTLED_AFTER_MS).startMs - 1
  for (let back = 0; back < LOOK_BACK; back += 1) {
    const window = windowAt({ per }, timezone, atMs)
    windows.push(window)
    atMs = window.startMs - 1
  }
  return windows.toReversed()
}

const choiceOf = ({ format, focusVersion, billingAccount }: ExportPolicy) => ({
  ...{ format, focusVersion, account: billingAccount },
})

const writeOne = (
  ledger: Pick<Ledger, 'db'>,
  policy: ExportPolicy,
  { startMs, endMs }: CalendarWindow,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<Exported> =>
  writeWhole(path, (out) => {
    const range = { fromMs: startMs, toMs: endMs, limit: EXPORT_PAGE_ROWS }
    return writeExport(
      (after) => {
        signal.throwIfAborted()
        return exportPage(ledger, { ...range, ...(after && { after }) })
      },
      formatOf(choiceOf(policy)),
      out,
    )
  })

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
