import { z } from 'zod'
import {
  type ExportPage,
  type ExportQuestion,
  ExportRowSchema,
  exportPage,
} from '../../ledger/exports/rows.ts'
import type { AdminCommand } from '../command.ts'

const atMs = z.int().min(0)
const InputSchema: z.ZodType<ExportQuestion> = z.strictObject({
  fromMs: atMs,
  toMs: atMs,
  after: z.string().max(4_000).exactOptional(),
  limit: z.int().min(1).max(5_000).default(2_000),
})

const PageSchema: z.ZodType<ExportPage> = z.object({
  rows: z.array(ExportRowSchema),
  next: z.string().nullable(),
})

/** Charges one by one, page after page, for files that others read. Throws INVALID_ARGUMENT, LEDGER_UNAVAILABLE. */
export const exportPageCommand: AdminCommand<ExportQuestion, ExportPage> = {
  name: 'export-page',
  role: 'finance',
  summary: 'Charges one by one, page after page: each call, and each correction of one.',
  changes: false,
  input: InputSchema,
  output: PageSchema,
  run: async (place, question) => exportPage(await place.ledger(), question),
}
