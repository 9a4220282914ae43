/**
 * Copies a record so that it has its own keys alone: `record.constructor`, asked for by a name out of a request, is
 * undefined and no function.
 */
export const own = <T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.assign(Object.create(null), record)
