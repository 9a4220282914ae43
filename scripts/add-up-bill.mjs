// Adds up a sandbox's bill. Shares no code with what it checks: run it by itself.
//   node scripts/add-up-bill.mjs bill.jsonl
import { readFileSync } from 'node:fs'

let nano = 0n
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  if (line !== '') nano += BigInt(JSON.parse(line).nano)
}
process.stdout.write(`${nano}\n`)
