// Control characters, and marks that turn the direction of a line: both let a name rewrite the table it stands in.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * Makes a name from outside safe for a terminal: one line, no escape codes, shortened.
 * @param most - characters, the three dots included.
 */
export function printable(name: string, most = 48): string {
  const text = name.replace(UNPRINTABLE, escaped)
  return text.length > most ? `${text.slice(0, most - 3)}...` : text
}
