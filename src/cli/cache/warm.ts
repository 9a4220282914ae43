import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Warmed } from '../../admin/cache/warm.ts'
import { BursarError, messageOf } from '../../errors.ts'
import { formatUsd } from '../../money/usd.ts'
import type { CliContext } from '../command.ts'
import type { Output } from '../output.ts'

export interface WarmFlags {
  readonly file?: string
  readonly learned?: number
  readonly tenant?: string
  readonly user?: string
  readonly budgetUsd?: number
  readonly json: boolean
}

/** What one question carries: quick enough for a bar to move. */
const CHUNK = 5
const MOST_PROMPTS = 100_000

type Prompts = Pick<Parts, 'prompts'> | Pick<Parts, 'keys'>
interface Parts {
  readonly prompts: readonly Record<string, unknown>[]
  readonly keys: readonly string[]
}

/** Asks the prompts of a file, or those that were learned, a few at a time. */
export async function warm(flags: WarmFlags, context: CliContext): Promise<void> {
  const { ask } = await import('../place.ts')
  const { cacheWarm } = await import('../../admin/cache/warm.ts')
  const { signal, output } = context
  const chunks = await chunksOf(flags, context)
  const whose = whoseOf(flags)
  const sums: { -readonly [K in keyof Warmed]: Warmed[K] } = {
    ...{ warmed: 0, already: 0, skipped: 0, failed: 0, costNano: 0 },
    why: [],
  }
  const bar = flags.json || chunks.length === 0 ? null : output.progress(chunks.length)
  try {
    for (const [at, chunk] of chunks.entries()) {
      if (signal.aborted) break
      const left =
        flags.budgetUsd === undefined ? {} : { budgetNano: flags.budgetUsd - sums.costNano }
      const warmed = await ask(cacheWarm, { ...chunk, ...whose, ...left }, context)
      for (const key of ['warmed', 'already', 'skipped', 'failed', 'costNano'] as const) {
        sums[key] += warmed[key]
      }
      sums.why = [...new Set([...sums.why, ...warmed.why])].slice(0, 10)
      bar?.update(at + 1, `${formatUsd(sums.costNano)} USD`)
    }
  } finally {
    bar?.stop()
  }
  if (flags.json) output.json(sums)
  else show(sums, output)
}

const whoseOf = ({ tenant, user }: WarmFlags) => ({
  ...(tenant !== undefined && { tenant }),
  ...(user !== undefined && { user }),
})

async function chunksOf(flags: WarmFlags, context: CliContext): Promise<Prompts[]> {
  const { file, learned } = flags
  if ((file === undefined) === (learned === undefined)) {
    throw new BursarError(
      'INVALID_ARGUMENT',
      'say what to ask: --file PROMPTS.jsonl, or --learned 20',
    )
  }
  if (file !== undefined) {
    return chunked(await readPrompts(file)).map((prompts) => ({ prompts }))
  }
  const { ask } = await import('../place.ts')
  const { cacheLearned } = await import('../../admin/cache/learned.ts')
  const { prompts } = await ask(cacheLearned, { limit: learned, ...whoseOf(flags) }, context)
  return chunked(prompts.map(({ key }) => key)).map((keys) => ({ keys }))
}

function chunked<T>(all: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < all.length; at += CHUNK) chunks.push(all.slice(at, at + CHUNK))
  return chunks
}

const Prompt = z.record(z.string(), z.unknown())

/** @throws {BursarError} INVALID_FILE naming the line. */
async function readPrompts(file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BursarError('INVALID_FILE', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  })
  const lines = text.split('\n').flatMap((line, at) => (line.trim() ? [{ line, at }] : []))
  if (lines.length > MOST_PROMPTS) throw wrong(file, `has more than ${MOST_PROMPTS} prompts`)
  return lines.map(({ line, at }) => {
    const prompt = Prompt.safeParse(parsed(line))
    if (prompt.success) return prompt.data
    throw wrong(
      file,
      `line ${at + 1} is no request: write one JSON object a line, e.g. {"user":"u42","model":"auto","messages":[...]}`,
    )
  })
}

const wrong = (file: string, why: string): BursarError =>
  new BursarError('INVALID_FILE', `${file}: ${why}`)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function show({ warmed, already, skipped, failed, costNano, why }: Warmed, output: Output): void {
  output.line(
    `${warmed} asked for ${formatUsd(costNano)} USD, ${already} were there, ${skipped} left out for the money, ${failed} failed`,
  )
  for (const one of why) output.note(one)
}
