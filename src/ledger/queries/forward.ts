import { type SQL, sql } from 'drizzle-orm'

/**
 * A window of a day, or of a part of one, well within a month in every timezone: all that was ever posted to it was posted
 * in that month.
 */
const IS_OF_ONE_MONTH = `~ '^[0-9]{4}-[0-9]{2}-(0[3-9]|1[0-9]|2[0-6])(T[^.]*)?$'`

/** A condition on a window's id: retention dropped all of its postings, and nothing explains its total. */
export const isGone = (id: string): SQL =>
  sql.raw(`(${id} ${IS_OF_ONE_MONTH} and left(${id}, 7) in (select month from dropped_months))`)

/** The opposite, for the ids of a month that is about to be dropped. */
export const outlives = (id: string): SQL => sql.raw(`${id} !${IS_OF_ONE_MONTH}`)

/** What was posted to each window, as a relation (key, nano, rows) with several rows of one key. */
export const POSTED: SQL = sql`(
  select key, sum(delta_nano) as nano, count(*) as rows
  from postings, unnest(windows) as key group by key
  union all
  select budget || ':' || window_id, spent_nano, rows from window_forward
  where month in (select month from dropped_months)
)`
