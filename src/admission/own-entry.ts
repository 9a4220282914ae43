/** Looks a name out of a request up in a record: `constructor` and `__proto__` are no entries. */
export const entryOf = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
