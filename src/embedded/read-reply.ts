import { messages, type protocol } from '@electric-sql/pglite'
import { types } from 'pg'

type BackendMessage = Parameters<Parameters<protocol.Parser['parse']>[1]>[0]

/** What a statement brought back, in the shape of node-postgres. */
export interface QueryReply<R> {
  readonly rows: R[]
  /** Rows that the statement returned or touched; null for statements without a count, such as LISTEN. */
  readonly rowCount: number | null
}

/** @returns the error that PostgreSQL answered with, if it did. */
export const errorIn = (reply: readonly BackendMessage[]): messages.DatabaseError | undefined =>
  reply.find((message) => message instanceof messages.DatabaseError)

/** @returns whether a prepared statement came into being, whatever became of its execution. */
export const hasParsed = (reply: readonly BackendMessage[]): boolean =>
  reply.some((message) => message.name === 'parseComplete')

/**
 * Reads the last result of a reply, each column by node-postgres' parser of its type: int8 and numeric stay strings.
 * The rows are what the caller's SQL says they are.
 */
export function readReply<R>(reply: readonly BackendMessage[]): QueryReply<R> {
  let read: (fields: readonly (string | null)[]) => Record<string, unknown> = () => ({})
  let rows: Record<string, unknown>[] = []
  let rowCount: number | null = null
  for (const message of reply) {
    if (message instanceof messages.RowDescriptionMessage) {
      read = rowReader(message.fields)
      rows = []
    } else if (message instanceof messages.DataRowMessage) {
      rows.push(read(message.fields))
    } else if (message instanceof messages.CommandCompleteMessage) {
      rowCount = countIn(message.text)
    }
  }
  return { rows: rows as R[], rowCount }
}

function rowReader(fields: readonly messages.RowDescriptionMessage['fields'][number][]) {
  const columns = fields.map(({ name, dataTypeID }) => ({
    name,
    parse: types.getTypeParser(dataTypeID, 'text'),
  }))
  return (raw: readonly (string | null)[]) =>
    Object.fromEntries(
      columns.map(({ name, parse }, at) => {
        const text = raw[at] ?? null
        return [name, text === null ? null : parse(text)]
      }),
    )
}

/** `INSERT 0 3`, `SELECT 3`, but `LISTEN`. */
function countIn(command: string): number | null {
  const count = Number(command.split(' ').at(-1))
  return Number.isNaN(count) ? null : count
}
