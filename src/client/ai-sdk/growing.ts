import { BursarError } from '../../errors.ts'

/** A text that grows, told piece by piece; it may start over, and must then say the same again. */
export interface Growing {
  /** Adds to the text. @returns what nobody was told yet. @throws {BursarError} when it says something else now. */
  add(piece: string): string
  /** It starts over. */
  restart(): void
  /** The whole text. @returns what is left of it to be told. @throws {BursarError} as `add`. */
  finish(whole: string): string
  readonly told: string
}

/** A stream of the AI SDK cannot take anything back: what was told stands. */
export function createGrowing(): Growing {
  let told = ''
  let text = ''
  const tell = (): string => {
    if (told.startsWith(text)) return ''
    if (!text.startsWith(told)) throw startedOver()
    const fresh = text.slice(told.length)
    told = text
    return fresh
  }
  return {
    get told() {
      return told
    },
    add(piece) {
      text += piece
      return tell()
    },
    restart() {
      text = ''
    },
    finish(whole) {
      text = whole
      if (text.length < told.length) throw startedOver()
      return tell()
    },
  }
}

const startedOver = (): BursarError =>
  new BursarError(
    'PROVIDER_OUTCOME_UNKNOWN',
    'the answer was cut, came again from another call and says something else now: ask again, or use generateText',
    { retryable: true },
  )
