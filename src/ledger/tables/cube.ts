import { is } from 'drizzle-orm'
import {
  ExtraConfigColumn,
  type IndexBuilder,
  type PgColumnBuilderBase,
  pgTable,
  primaryKey,
} from 'drizzle-orm/pg-core'
import { measures } from './cube-columns.ts'

/**
 * A table of sums: one row for each combination of its dimensions, the first of which is a time.
 * @param key - names of the dimensions, as the rows lie in their index; absent = as they are written.
 * @param indexed - by what else rows are found; is given the column of a dimension.
 */
export function cube<Name extends string, Dimensions extends Record<string, PgColumnBuilderBase>>(
  name: Name,
  dimensions: Dimensions,
  key: readonly (keyof Dimensions & string)[] = Object.keys(dimensions),
  indexed: (
    column: (of: keyof Dimensions & string) => ExtraConfigColumn,
  ) => IndexBuilder[] = () => [],
) {
  return pgTable(name, { ...dimensions, ...measures() }, (table) => {
    const columns = new Map(Object.entries(table))
    const column = (of: string): ExtraConfigColumn => {
      const found = columns.get(of)
      if (is(found, ExtraConfigColumn)) return found
      throw new RangeError(`${name} has no dimension ${of}`)
    }
    const [first = '', ...others] = key
    return [
      primaryKey({ name: `${name}_key`, columns: [column(first), ...others.map(column)] }),
      ...indexed(column),
    ]
  })
}
