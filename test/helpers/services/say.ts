/** One line for people about what the test services do; standard error, so that reports stay clean. */
export function say(line: string): void {
  process.stderr.write(`[services] ${line}\n`)
}
