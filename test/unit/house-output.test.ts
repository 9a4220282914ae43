import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createOutput, tableLines } from '../../src/cli/output.ts'

const [RED, PLAIN] = ['\u001b[31m', '\u001b[39m']

/** An output whose stdout is, or is not, a terminal, and what was written to it. */
function recorded(isTTY: boolean, colour = true) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const output = createOutput({
    ...streams,
    stdout: Object.assign(streams.stdout, { isTTY }),
    colour,
  })
  const read = (stream: PassThrough): string => String(stream.read() ?? '')
  return { output, stdout: () => read(streams.stdout), stderr: () => read(streams.stderr) }
}

describe('the output of the command line', () => {
  test('aligns columns, ignores colour codes, and leaves no blanks at the end', () => {
    const lines = tableLines([['a', 'bb', 'c'], ['aaa', `${RED}b${PLAIN}`, 'c'], ['a']])
    expect(lines).toEqual(['a    bb  c', `aaa  ${RED}b${PLAIN}   c`, 'a'])
  })

  test.each([
    [true, true, `${RED}x${PLAIN}`],
    [false, true, 'x'],
    [true, false, 'x'],
  ])('colours only a terminal that wants it (tty %s, wanted %s)', (isTTY, colour, expected) => {
    expect(recorded(isTTY, colour).output.paint('red', 'x')).toBe(expected)
  })

  test('keeps results and remarks on streams of their own', () => {
    const { output, stdout, stderr } = recorded(false)
    output.json({ spentNano: 1 })
    output.note('for people')
    expect([stdout(), stderr()]).toEqual(['{"spentNano":1}\n', 'for people\n'])
  })

  test('shows progress beside the results, never among them', () => {
    const { output, stdout, stderr } = recorded(false)
    const bar = output.progress(200)
    bar.update(200, 'spent 1.25')
    bar.stop()
    expect(stdout()).toBe('')
    expect(stderr()).toContain('100% 200/200 spent 1.25')
  })
})
