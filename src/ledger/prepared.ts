import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import type { PoolClient, QueryConfig } from 'pg'
import { codeOf } from './errors.ts'

/** Stands before the text of a statement that each connection plans once. */
const MARK = '/* prepared */ '

/**
 * A statement that PostgreSQL parses and plans once per connection instead of each time. For those whose planning takes
 * as long as their work, and whose text is one of few: a connection keeps every one of them until it ends.
 */
export const prepared = (statement: SQL): SQL => sql`${sql.raw(MARK)}${statement}`

/** The same connection; what is `prepared` goes to it under a name of its own, which is how the server knows it again. */
export const preparing = (client: PoolClient): PoolClient =>
  new Proxy(client, {
    get(target, property) {
      const value = Reflect.get(target, property, target)
      if (property !== 'query') return value
      return (config: QueryConfig, values?: unknown[]) => value.call(target, named(config), values)
    },
  })

// https://www.postgresql.org/docs/current/errcodes-appendix.html: no such prepared statement; there is one of that name.
const FORGOTTEN: readonly (string | undefined)[] = ['26000', '42P05']

/** Between two transactions a pooler may have put another backend behind a connection, which prepared something else. */
export const isForgotten = (error: unknown): boolean => FORGOTTEN.includes(codeOf(error))

const named = (config: QueryConfig): QueryConfig =>
  config.text.startsWith(MARK)
    ? { ...config, name: createHash('sha1').update(config.text).digest('hex') }
    : config
