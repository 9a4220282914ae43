import { crc32 } from 'node:zlib'
import { RESTART, type StreamPart } from '../../queue/streams/log-entry.ts'

/** A piece of a streamed answer, under the name that whoever comes back gives as the last that they heard. */
export interface NamedPart {
  readonly id: string
  readonly part: StreamPart
}

const PART_ID = /^(\d{1,9})-([0-9a-f]{1,8})$/

/**
 * Names each piece by its number and a checksum of all up to it, and leaves out what was heard before. Where what came
 * is not what was heard (the answer is another job's by now, or the log was cut), it starts over with a `restart`.
 * @param heard - the last name that was heard; null = none.
 */
export async function* unheard(
  parts: AsyncIterable<StreamPart>,
  heard: string | null,
): AsyncGenerator<NamedPart, void> {
  const [, count = '0', sum = ''] = PART_ID.exec(heard ?? '') ?? []
  let left = Number(count)
  let before: NamedPart[] = []
  let number = 0
  let checksum = 0
  for await (const part of parts) {
    number += 1
    checksum = crc32(JSON.stringify([part.text, part.restart]), checksum)
    const named = { id: `${number}-${checksum.toString(16)}`, part }
    if (left === 0) {
      yield named
      continue
    }
    before.push(named)
    left -= 1
    if (left > 0) continue
    if (checksum.toString(16) !== sum) yield* again(before)
    before = []
  }
  // It ended before it came as far as was heard.
  if (before.length > 0) yield* again(before)
}

/** The restart has the name of the first piece: who leaves after it hears that one again. */
function* again(before: readonly NamedPart[]): Generator<NamedPart, void> {
  yield { id: '0-0', part: RESTART }
  yield* before
}
