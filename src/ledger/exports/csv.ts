// What a spreadsheet would run as a formula is made text: names come from requests.
const FORMULA = /^[=+\-@\t\r]/

/** One field by RFC 4180. Numbers and instants of ours, which may begin with a minus, need none of it. */
export function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
