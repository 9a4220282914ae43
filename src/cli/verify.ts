import type { BillCheck } from '../admin/verify/compare-bill.ts'
import type { Verification } from '../admin/verify/verify.ts'
import { type CliContext, CommandFailed, type Registration } from './command.ts'
import type { Output } from './output.ts'
import { instant } from './time-flags.ts'

interface VerifyFlags {
  readonly bill?: string
  readonly usageFrom?: number
  readonly json: boolean
}

/**
 * `bursar verify`: counters against the ledger, the ledger against itself, sums of usage against their calls, holds
 * against their expiry and, when given, the ledger against the sandbox's bill. Changes nothing. Exit code 1 when something does not agree.
 */
export const verify: Registration = (program, context) => {
  program
    .command('verify')
    .description('prove that counters, ledger, holds and the sandbox bill agree; changes nothing')
    .option('--bill <file>', 'also compare with what the sandbox billed (sandbox --bill)')
    .option(
      '--usage-from <time>',
      'count usage from its month on; without it, from last month on',
      instant,
    )
    .option('--json', 'print one JSON object instead of tables', false)
    .action(async ({ bill, usageFrom, json }: VerifyFlags) => {
      const verification = await verifyBooks(bill, usageFrom, context)
      const { totalOf } = await import('../admin/verify/findings.ts')
      const total = totalOf(verification)
      if (json) context.output.json(asJson(verification, total))
      else await print(context, verification, total)
      if (total > 0) throw new CommandFailed()
    })
}

/** The bill is a file of this machine, so it is read here, and added up, wherever the books are. */
async function verifyBooks(
  file: string | undefined,
  usageSinceMs: number | undefined,
  context: CliContext,
): Promise<Verification> {
  const { verifyCommand } = await import('../admin/verify/verify.ts')
  const { ask } = await import('./place.ts')
  const since = usageSinceMs === undefined ? {} : { usageSinceMs }
  if (file === undefined) return ask(verifyCommand, { bill: null, ...since }, context)
  const { addUpBill } = await import('../admin/verify/bill-sums.ts')
  const { lookAgain } = await import('../admin/verify/second-look.ts')
  const { readBill } = await import('./verify/bill.ts')
  const bill = await addUpBill(readBill(file))
  return lookAgain(await ask(verifyCommand, { bill, ...since }, context), () => readBill(file))
}

function asJson({ ledger, usage, slot, bill, counts, violations }: Verification, total: number) {
  const { unbilled: _, ...rest } = bill ?? { unbilled: [] }
  return { ok: total === 0, ledger, usage, slot, bill: bill && rest, counts, violations }
}

async function print(
  { output }: CliContext,
  verification: Verification,
  total: number,
): Promise<void> {
  const { ledger, usage, slot, bill } = verification
  output.table(
    ['BOOKS', 'COMPARED'],
    [
      [
        'ledger',
        `${ledger.entries} entries, ${ledger.postings} postings, ${ledger.windows} windows`,
      ],
      ['usage', `${usage.rows} calls and requests since ${usage.since.slice(0, 10)}`],
      ['counters', slot ? countersLine(slot) : 'no open slot to compare with'],
      ['holds', slot ? `${slot.open} open` : '-'],
      ['bill', bill ? `${bill.calls} calls, ${bill.equal} booked as billed` : 'none given'],
    ],
  )
  if (bill) await printBill(output, bill)
  output.line()
  if (total === 0) {
    output.line(output.paint('green', 'everything agrees'))
    return
  }
  await printViolations(output, verification, total)
}

const countersLine = ({ windows, moving, waiting }: NonNullable<Verification['slot']>): string =>
  `${windows} windows, ${moving} of them moving; ${waiting.entries} entries wait for the ledger`

async function printBill(output: Output, bill: BillCheck): Promise<void> {
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  const { unconfirmed, overruns } = bill
  output.line()
  output.table(
    ['MONEY', 'USD'],
    [
      ['billed', formatUsd(bill.billedNano)],
      ['booked', formatUsd(bill.bookedNano)],
      [
        `unconfirmed, ${unconfirmed.attempts} attempts`,
        `${formatUsd(unconfirmed.bookedNano)} booked, ${formatUsd(unconfirmed.billedNano)} of it billed`,
      ],
      [`pending`, `${bill.pending} attempts still held`],
      ...overruns.map(({ attempt, overrunNano }) => [
        `overrun ${printable(attempt, 100)}`,
        formatUsd(overrunNano),
      ]),
    ],
  )
}

async function printViolations(
  output: Output,
  { counts, violations }: Verification,
  total: number,
): Promise<void> {
  const { VIOLATIONS } = await import('../admin/verify/findings.ts')
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['VIOLATION', 'OF', 'FOUND'],
    violations.map(({ kind, id, found }) => [
      output.paint('red', kind),
      printable(id, 100),
      printable(found, 200),
    ]),
  )
  output.line()
  for (const kind of Object.keys(counts)) {
    const meaning = Object.entries(VIOLATIONS).find(([name]) => name === kind)?.[1] ?? ''
    output.line(`${kind}: ${meaning}`)
  }
  const unnamed = total - violations.length
  output.line(`${total} violations${unnamed > 0 ? `, ${unnamed} of them not named here` : ''}`)
}
