import type { RequestAnswer } from '../../admin/usage/request.ts'
import type { CliContext } from '../command.ts'
import { printable } from '../report/printable.ts'
import { countText, grouped, usdText } from './marks.ts'
import { nameOf } from './spend.ts'
import { aligned } from './tables.ts'

/** `bursar usage request`: one request with its calls. */
export async function showRequest(
  id: string,
  { json }: { readonly json?: true },
  context: CliContext,
): Promise<void> {
  const { usageRequest } = await import('../../admin/usage/request.ts')
  const { ask } = await import('../place.ts')
  const answer = await ask(usageRequest, { id }, context)
  const { output } = context
  if (json) return output.json(answer)
  output.table(['REQUEST', answer.job], requestLines(answer))
  if (answer.attempts.length === 0) return output.line('\nno call was made')
  output.line()
  const calls = aligned(
    [
      ['CALL', 'MODEL', 'STATE', 'INPUT', 'CACHED', 'OUTPUT', 'LIST USD', 'HELD USD', 'COST USD'],
      ...answer.attempts.map((one) => [
        ...[String(one.n), nameOf(one.servedModel ?? one.model ?? ''), one.status],
        ...[tokens(one.inputTokens), tokens(one.cachedInputTokens)],
        tokens(sum(one.outputTokens, one.reasoningTokens)),
        ...[one.listNano === null ? '-' : usdText(one.listNano), usdText(one.holdNano)],
        usdText(one.costNano),
      ]),
    ],
    3,
  )
  output.table(calls.header, calls.rows)
  const windows = [...new Set(answer.attempts.flatMap((one) => one.windows))]
  if (windows.length > 0)
    output.line(`paid from ${windows.map((key) => printable(key)).join(', ')}`)
}

const tokens = (count: number | null): string => (count === null ? '-' : grouped(count))
const sum = (a: number | null, b: number | null): number | null =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0)

function requestLines(answer: RequestAnswer): string[][] {
  const tags = Object.entries(answer.tags ?? {}).map(([key, value]) => `${key}=${value}`)
  return [
    [
      'outcome',
      `${answer.outcome ?? 'not ended yet'}${answer.reason ? `: ${printable(answer.reason, 80)}` : ''}`,
    ],
    [
      'asked by',
      `${nameOf(answer.user ?? '')} of ${nameOf(answer.tenant ?? '')}, tier ${nameOf(answer.tier ?? '')}`,
    ],
    [
      'asked for',
      `${nameOf(answer.modelRequested ?? '')} (${answer.operation ?? '?'}, ${answer.urgency ?? '?'})`,
    ],
    ['tags', tags.length === 0 ? '-' : printable(tags.join(' '), 100)],
    ['enqueued', answer.enqueuedAt ?? '-'],
    ['ended', answer.endedAt ?? '-'],
    ['cost', `${usdText(answer.costNano)} USD`],
    ...(answer.savedNano ? [['saved', `${usdText(answer.savedNano)} USD`]] : []),
  ]
}

/** `bursar usage run`: the requests of a run. */
export async function showRun(
  run: string,
  { tenant, json }: { readonly tenant?: string; readonly json?: true },
  context: CliContext,
): Promise<void> {
  const { usageRun } = await import('../../admin/usage/run.ts')
  const { ask } = await import('../place.ts')
  const answer = await ask(usageRun, { run, ...(tenant && { tenant }) }, context)
  const { output } = context
  if (json) return output.json(answer)
  const { total } = answer
  const { header, rows } = aligned(
    [
      ['AT', 'REQUEST', 'TENANT', 'MODEL', 'CALLS', 'TOKENS', 'USD'],
      ...answer.requests.map((one) => [
        ...[one.at, one.job, nameOf(one.tenant), nameOf(one.model)],
        ...[grouped(one.calls), countText(one.tokens), usdText(one.costNano)],
      ]),
      [
        'total',
        `${total.requests} requests`,
        '',
        '',
        grouped(total.calls),
        countText(total.tokens),
        usdText(total.costNano),
      ],
    ],
    4,
  )
  output.table(header, rows)
  if (answer.more) output.line('and more: ask for --where tenant=... or the API')
}
