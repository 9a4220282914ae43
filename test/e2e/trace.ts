import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens'

/** A recorded hour of production, when it lies beside the project or where BURSAR_TRACE says. It is not part of it. */
export function findTrace(): string | null {
  const beside = new URL('../../../shared/data/azure-llm-trace/conversation.csv', import.meta.url)
  const file = process.env.BURSAR_TRACE ?? fileURLToPath(beside)
  return existsSync(file) ? file : null
}

/** The first `rows` requests of the recorded trace, or as many that are made up to look like it. */
export async function writeTrace(file: string, rows: number): Promise<void> {
  const recorded = findTrace()
  const lines = recorded ? (await readFile(recorded, 'utf8')).split('\n').slice(1) : madeUp(rows)
  if (!recorded) process.stderr.write('no recorded trace is here: a made-up one is replayed\n')
  await writeFile(file, [HEADER, ...lines.slice(0, rows)].join('\n'))
}

const STEP_MS = 186
const START_MS = Date.UTC(2023, 10, 16, 18, 15)

/** Sizes between a few words and a long conversation, in the recorded pace. */
const madeUp = (rows: number): string[] =>
  Array.from({ length: rows }, (_, at) => {
    const time = new Date(START_MS + at * STEP_MS).toISOString().replace('T', ' ').replace('Z', '')
    return `${time},${50 + ((at * 733) % 2_200)},${10 + ((at * 97) % 400)}`
  })
