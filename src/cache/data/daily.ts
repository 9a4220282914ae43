import type { Namespaces } from './namespaces.ts'

/** A namespace whose time of day has come. */
export interface DueToday {
  readonly namespace: string
  /** The day it is due on, in the policy's timezone, `2026-11-21`. */
  readonly day: string
}

/**
 * Namespaces that are to go today and whose time of day has come. One that is late is due until midnight; an hour that
 * summer time leaves out comes with the next.
 * @param timezone - IANA name.
 */
export function dueToday(namespaces: Namespaces, timezone: string, nowMs: number): DueToday[] {
  const [day, time] = localTime(timezone, nowMs)
  return namespaces.names.flatMap((name) => {
    const { refreshDaily } = namespaces.get(name)
    return refreshDaily !== null && refreshDaily <= time ? [{ namespace: name, day }] : []
  })
}

/** `2026-11-21` and `06:00`. */
function localTime(timeZone: string, nowMs: number): [day: string, time: string] {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  }).formatToParts(nowMs)
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((one) => one.type === type)?.value ?? ''
  return [`${part('year')}-${part('month')}-${part('day')}`, `${part('hour')}:${part('minute')}`]
}
