import { fileURLToPath } from 'node:url'

const COMPILE_LATE = fileURLToPath(new URL('./compile-late.cjs', import.meta.url))

/** Spares this run's processes what only long lives are worth. */
export function compileLate(): void {
  const { NODE_OPTIONS = '' } = process.env
  if (NODE_OPTIONS.includes(COMPILE_LATE)) return
  process.env.NODE_OPTIONS = `${NODE_OPTIONS} --require=${JSON.stringify(COMPILE_LATE)}`.trim()
}

/** What a process that is started with hardly any environment has in common with its run. */
export const childEnv = (): Readonly<Record<string, string>> => {
  const { PATH = '', TMPDIR, NODE_OPTIONS } = process.env
  return { PATH, ...(TMPDIR && { TMPDIR }), ...(NODE_OPTIONS && { NODE_OPTIONS }) }
}
