/**
 * The journal's own tables, and the one way in. Rows of `record` are written over and over, often many times a second:
 * room on the page lets PostgreSQL do that without touching the index, and prune what is old on the way.
 *
 * `slot.save` is a function so that its plan is made once: for a commit of one command, planning was half of the work.
 * A record whose value is null is gone. Writing the same again changes nothing.
 */
export const JOURNAL_SCHEMA = [
  'create schema if not exists slot',
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
  `create or replace function slot.save(records json, entries json, first_seq bigint)
  returns void language plpgsql as $$ begin
    with given as (
      select * from json_to_recordset(records) as row(kind text, key text, value text)
    ), put as (
      insert into slot.record select * from given where value is not null
      on conflict (kind, key) do update set value = excluded.value
    )
    delete from slot.record kept using given
    where given.value is null and kept.kind = given.kind and kept.key = given.key;

    insert into slot.outbox
    select * from json_to_recordset(entries) as row(seq bigint, id text, entry text)
    on conflict (seq) do nothing;

    delete from slot.outbox where seq < first_seq;
  end $$`,
] as const
