/** What the journal needs of a database: PostgreSQL's SQL in this process, one statement at a time. */
export interface JournalDatabase {
  /**
   * Runs one statement as a transaction of its own; when it resolves, that is on disk.
   * @returns the rows as objects, int8 as a number or a text.
   */
  query(text: string, params?: readonly unknown[]): Promise<readonly unknown[]>
}
