import { styleText } from 'node:util'
import { type Options, Presets, SingleBar } from 'cli-progress'

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'blue' | 'dim' | 'bold'

/** A bar with a live text beside it. */
export interface Progress {
  /** @param done - items so far, absolute. */
  update(done: number, text: string): void
  stop(): void
}

/** Where the command line writes. Results go to stdout, everything else to stderr, so that pipes stay clean. */
export interface Output {
  /** True when a person reads stdout in a terminal. */
  readonly interactive: boolean
  /** Results that are no lines of text for a person: a whole file, say. */
  readonly stdout: NodeJS.WritableStream
  line(text?: string): void
  note(text: string): void
  /** One JSON object alone on one line of stdout. */
  json(value: unknown): void
  /** Left-aligned columns, the header dimmed; rows may be shorter than the header. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void
  paint(colour: Colour, text: string): string
  progress(total: number): Progress
}

export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** False leaves every escape code out, as NO_COLOR asks. */
  readonly colour: boolean
}

const GAP = '  '
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape byte is what a colour code begins with
const ESCAPES = /\u001b\[[0-9;]*m/g
const widthOf = (cell: string): number => cell.replace(ESCAPES, '').length

/** Aligns rows into lines without trailing blanks. Colour codes take no width. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))
  }
  const pad = (cell: string, at: number) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell))
  return rows.map((row) => row.map(pad).join(GAP).trimEnd())
}

// Otherwise it looks at the process's own stdout, which need not be ours.
const OUR_CHOICE = { validateStream: false } as const

const BAR: Options = {
  format: '{bar} {percentage}% {value}/{total} {text}',
  // A log file gets a line now and then instead of a bar that redraws itself.
  noTTYOutput: true,
  notTTYSchedule: 5_000,
  hideCursor: true,
  clearOnComplete: false,
  etaBuffer: 200,
}

function startBar(total: number, stream: NodeJS.WritableStream): Progress {
  const bar = new SingleBar({ ...BAR, stream }, Presets.shades_classic)
  bar.start(total, 0, { text: '' })
  return {
    update: (done, text) => bar.update(done, { text }),
    stop: () => bar.stop(),
  }
}

/** Colours appear only when stdout is a terminal and nobody asked for none. */
export function createOutput({ stdout, stderr, colour }: OutputStreams): Output {
  const coloured = colour && stdout.isTTY === true
  const paint = (name: Colour, text: string) =>
    coloured ? styleText(name, text, OUR_CHOICE) : text
  const line = (text = '') => void stdout.write(`${text}\n`)
  return {
    interactive: stdout.isTTY === true,
    stdout,
    line,
    note: (text) => void stderr.write(`${text}\n`),
    json: (value) => line(JSON.stringify(value)),
    table(header, rows) {
      for (const text of tableLines([header.map((cell) => paint('dim', cell)), ...rows])) line(text)
    },
    paint,
    progress: (total) => startBar(total, stderr),
  }
}
