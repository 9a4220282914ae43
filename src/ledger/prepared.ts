import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import type { PoolClient, QueryConfig } from 'pg'

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

const named = (config: QueryConfig): QueryConfig =>
  config.text.startsWith(MARK)
    ? { ...config, name: createHash('sha1').update(config.text).digest('hex') }
    : config
