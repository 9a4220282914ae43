import { readOptions } from '../config/options.ts'
import { type CliContext, CommandFailed, type Registration } from './command.ts'
import type { Output } from './output.ts'
import type { BillCheck } from './verify/compare-bill.ts'
import type { Verification } from './verify/run.ts'

interface VerifyFlags {
  readonly bill?: string
  readonly json: boolean
}

/**
 * `bursar verify`: counters against the ledger, the ledger against itself, holds against their expiry and, when given,
 * the ledger against the sandbox's bill. Changes nothing. Exit code 1 when something does not agree.
 */
export const verify: Registration = (program, context) => {
  program
    .command('verify')
    .description('prove that counters, ledger, holds and the sandbox bill agree; changes nothing')
    .option('--bill <file>', 'also compare with what the sandbox billed (sandbox --bill)')
    .option('--json', 'print one JSON object instead of tables', false)
    .action(async ({ bill, json }: VerifyFlags) => {
      const { verifyBooks } = await import('./verify/run.ts')
      const verification = await verifyBooks(readOptions(context.env), bill, context.output)
      if (json) context.output.json(asJson(verification))
      else await print(context, verification)
      if (verification.findings.total > 0) throw new CommandFailed()
    })
}

const asJson = ({ findings, ...rest }: Verification) => ({
  ok: findings.total === 0,
  ...rest,
  counts: findings.counts,
  violations: findings.named,
})

async function print({ output }: CliContext, verification: Verification): Promise<void> {
  const { findings, ledger, slot, bill } = verification
  output.table(
    ['BOOKS', 'COMPARED'],
    [
      [
        'ledger',
        `${ledger.entries} entries, ${ledger.postings} postings, ${ledger.windows} windows`,
      ],
      ['counters', slot ? countersLine(slot) : 'no open slot to compare with'],
      ['holds', slot ? `${slot.open} open` : '-'],
      ['bill', bill ? `${bill.calls} calls, ${bill.equal} booked as billed` : 'none given'],
    ],
  )
  if (bill) await printBill(output, bill)
  output.line()
  if (findings.total === 0) {
    output.line(output.paint('green', 'everything agrees'))
    return
  }
  await printViolations(output, verification)
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

async function printViolations(output: Output, { findings }: Verification): Promise<void> {
  const { VIOLATIONS } = await import('./verify/findings.ts')
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['VIOLATION', 'OF', 'FOUND'],
    findings.named.map(({ kind, id, found }) => [
      output.paint('red', kind),
      printable(id, 100),
      printable(found, 200),
    ]),
  )
  output.line()
  for (const kind of Object.keys(findings.counts)) {
    const meaning = Object.entries(VIOLATIONS).find(([name]) => name === kind)?.[1] ?? ''
    output.line(`${kind}: ${meaning}`)
  }
  const unnamed = findings.total - findings.named.length
  output.line(
    `${findings.total} violations${unnamed > 0 ? `, ${unnamed} of them not named here` : ''}`,
  )
}
