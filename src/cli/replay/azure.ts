import type { ParsedLine } from './trace-types.ts'

/**
 * Azure's public traces of LLM inference: one request a line, no texts.
 * @see https://github.com/Azure/AzurePublicDataset/blob/master/AzureLLMInferenceDataset2023.md
 */
const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens'

/** @throws {Error} the first line is no header of this format. */
export function startAzure(text: string): void {
  if (text !== HEADER) throw new Error(`is no header of the azure format: write ${HEADER}`)
}

/** @throws {Error} saying what to write. */
export function readAzureLine(text: string): ParsedLine {
  const [time = '', input = '', output = '', ...rest] = text.split(',')
  if (rest.length > 0 || output === '') {
    throw new Error(`has no three fields: write ${HEADER}, as in 2023-11-16 18:15:46.68,374,44`)
  }
  return {
    atMs: readTime(time),
    recorded: {
      kind: 'sizes',
      inputTokens: readCount('ContextTokens', input),
      outputTokens: readCount('GeneratedTokens', output),
    },
  }
}

const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,9})?$/

/** UTC, whatever the machine's timezone. */
function readTime(text: string): number {
  const [, day = '', time = '', fraction = '.0'] = TIME.exec(text) ?? []
  const wholeMs = Date.parse(`${day}T${time}Z`)
  // Date.parse rolls 30 February over into March.
  if (Number.isNaN(wholeMs) || !new Date(wholeMs).toISOString().startsWith(`${day}T${time}`)) {
    throw new Error(`has no time in "${shown(text)}": write UTC, as in 2023-11-16 18:15:46.68`)
  }
  return wholeMs + Math.floor(Number(`0${fraction}`) * 1_000)
}

const MAX_TOKENS = 1_000_000

function readCount(name: string, text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (count >= 0 && count <= MAX_TOKENS) return count
  throw new Error(`has ${name} "${shown(text)}": write a whole number from 0 to ${MAX_TOKENS}`)
}

const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}...` : text)
