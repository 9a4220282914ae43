import { type CliContext, CommandFailed, type Registration } from './command.ts'
import type { Examination } from './doctor/examine.ts'
import type { FindingState } from './doctor/finding.ts'
import type { Colour, Output } from './output.ts'

const COLOURS: Readonly<Record<FindingState, Colour>> = {
  ok: 'green',
  warn: 'yellow',
  wrong: 'red',
  skipped: 'dim',
}

/**
 * `bursar doctor`: what is configured, what is reachable, what is wrong, and the mend for each. Exit code 1 when
 * something is wrong.
 */
export const doctor: Registration = (program, context) => {
  program
    .command('doctor')
    .description('say what is configured, reachable and wrong, and how to mend it')
    .option('--validate', 'also run ten live checks of cache and limits in Redis', false)
    .option('--json', 'print one JSON object instead of tables', false)
    .action(async ({ validate, json }: { validate: boolean; json: boolean }) => {
      const { examine } = await import('./doctor/examine.ts')
      const examination = await examine({ env: context.env, live: validate })
      await print(context, examination, json)
      if (examination.findings.some(({ state }) => state === 'wrong')) throw new CommandFailed()
    })
}

async function print({ output }: CliContext, examination: Examination, json: boolean) {
  const { describeOptions } = await import('../config/options.ts')
  const { findings, options } = examination
  const described = options === undefined ? {} : describeOptions(options)
  if (json) {
    const healthy = !findings.some(({ state }) => state === 'wrong')
    output.json({ healthy, options: described, findings })
    return
  }
  printOptions(output, described)
  printFindings(output, findings)
}

function printOptions(output: Output, described: Readonly<Record<string, string>>): void {
  const rows = Object.entries(described).map(([name, value]) => [name, value || '(not set)'])
  if (rows.length === 0) return
  output.table(['OPTION', 'VALUE'], rows)
  output.line()
}

function printFindings(output: Output, findings: Examination['findings']): void {
  output.table(
    ['CHECK', 'STATE', 'FOUND'],
    findings.map(({ check, state, found }) => [check, output.paint(COLOURS[state], state), found]),
  )
  const mends = findings.filter(({ mend }) => mend !== '')
  if (mends.length > 0) output.line()
  for (const { check, state, mend } of mends) {
    output.line(`${output.paint(COLOURS[state], `${check}:`)} ${mend}`)
  }
  const count = (state: FindingState) => findings.filter((one) => one.state === state).length
  output.line()
  output.line(`${count('ok')} ok, ${count('warn')} to look at, ${count('wrong')} wrong`)
}
