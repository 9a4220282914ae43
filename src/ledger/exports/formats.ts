import { csvField } from './csv.ts'
import { type BillingAccount, type FocusVersion, focusColumns } from './focus/columns.ts'
import { csvHead, csvLine, jsonLine } from './plain.ts'
import type { ExportRow } from './rows.ts'

export const EXPORT_FORMATS = ['csv', 'jsonl', 'focus'] as const
export type ExportFormatName = (typeof EXPORT_FORMATS)[number]

/** How charges are written down: text, lines with their ends. */
export interface ExportFormat {
  /** Of a file's name. */
  readonly extension: 'csv' | 'jsonl'
  readonly head: string
  readonly line: (row: ExportRow) => string
}

export interface FormatChoice {
  readonly format: ExportFormatName
  readonly focusVersion: FocusVersion
  readonly account: BillingAccount
}

/** Chooses how charges are written down. Every line of a FOCUS file has the columns of its version, in their order. */
export function formatOf({ format, focusVersion, account }: FormatChoice): ExportFormat {
  switch (format) {
    case 'csv':
      return { extension: 'csv', head: csvHead, line: csvLine }
    case 'jsonl':
      return { extension: 'jsonl', head: '', line: jsonLine }
    case 'focus':
      return focusFormat(focusVersion, account)
  }
}

function focusFormat(version: FocusVersion, account: BillingAccount): ExportFormat {
  const columns = focusColumns(version)
  return {
    extension: 'csv',
    head: `${columns.map(([name]) => name).join(',')}\r\n`,
    line: (row) =>
      `${columns
        .map(([, of, raw]) => {
          const value = of(row, account) ?? ''
          return raw ? value : csvField(value)
        })
        .join(',')}\r\n`,
  }
}
