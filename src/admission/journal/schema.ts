/**
 * The journal's own tables. Rows of `record` are written over and over, often many times a second: room on the page
 * lets PostgreSQL do that without touching the index, and prune what is old on the way.
 */
export const JOURNAL_SCHEMA = [
  `create schema if not exists slot`,
  `create table if not exists slot.record (
    kind text not null,
    key text not null,
    value text not null,
    primary key (kind, key)
  ) with (fillfactor = 70)`,
  `create table if not exists slot.outbox (
    seq bigint primary key,
    id text not null,
    entry text not null
  )`,
] as const
