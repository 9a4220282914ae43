import { createInterface } from 'node:readline'
import { keyOfWritten } from './cache-walls-written.ts'

/** Answers each line, a request as JSON text in a JSON string, with its key. */
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${keyOfWritten(String(JSON.parse(line)))}\n`)
}
