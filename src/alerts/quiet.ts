import type { AlertPolicy, Severity } from '../config/alert-types.ts'
import { nextLocal } from './local-time.ts'

/**
 * When a message may go out: now, or at the end of the quiet hours when it is information alone.
 * @param timezone - of the alert.
 */
export function dueAt(
  { quiet }: Pick<AlertPolicy, 'quiet'>,
  { severity, timezone }: { readonly severity: Severity; readonly timezone: string },
  nowMs: number,
): number {
  if (!quiet?.hold.includes(severity) || quiet.from === quiet.to) return nowMs
  const zone = quiet.timezone ?? timezone
  const beginsMs = nextLocal(quiet.from, zone, nowMs + 1)
  const endsMs = nextLocal(quiet.to, zone, nowMs + 1)
  // Within them the next thing to come is their end.
  return endsMs < beginsMs ? endsMs : nowMs
}
