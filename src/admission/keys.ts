/**
 * Every Redis key and channel of the slot, spelt once. The prefix carries the braces that keep all of it in one
 * Cluster slot, e.g. `{bursar}`.
 */
export interface SlotKeys {
  readonly prefix: string
  readonly slot: string
  readonly exp: string
  readonly gates: string
  readonly out: string
  /** Sorted set: window key -> end, so that windows can be listed without SCAN. */
  readonly windows: string
  /** The active policy as JSON, with its version: read by clients that have no bursar.yaml. */
  readonly policy: string
  /** Tiers that users were given: hash user -> change, and sorted set user -> its version. */
  readonly tiers: string
  readonly tiersAt: string
  /** Id of the move from a data folder that this slot came from; missing = it began here. */
  readonly move: string
  /** Why and since when the slot is closed to be reopened, and the token of whoever does that. */
  readonly lost: string
  readonly reopen: string
  window(key: string): string
  attempt(id: string): string
  job(id: string): string
  limit(key: string): string
  cached(key: string): string
  /** One text's vector; no part of the slot's state. */
  vector(key: string): string
  /** Sorted set: cache keys that depend on a label -> their end; and what was invalidated, newest first. */
  filed(label: string): string
  readonly cacheNotes: string
  /** The request of an answer, and a sorted set: cache keys of a tenant's requests -> when they were asked last. */
  prompt(key: string): string
  prompts(wall: string): string
  /** The attempt that is asking for a cache key now, and the list of jobs that wait for an attempt. */
  flight(key: string): string
  followers(attempt: string): string
  /** How far a queue's turns have come, and where the last job of `<queue>/<flow>` ends. */
  turns(queue: string): string
  flow(key: string): string
  result(job: string): string
  body(job: string): string
  /** Channels. */
  reply(client: string): string
  readonly cancelChannel: string
  readonly policyChannel: string
}

export function slotKeys(prefix: string): SlotKeys {
  const under = (name: string) => (id: string) => `${prefix}:${name}:${id}`
  return {
    prefix,
    slot: `${prefix}:slot`,
    exp: `${prefix}:exp`,
    out: `${prefix}:out`,
    windows: `${prefix}:windows`,
    policy: `${prefix}:policy`,
    tiers: `${prefix}:tiers`,
    tiersAt: `${prefix}:tiers:at`,
    move: `${prefix}:move`,
    lost: `${prefix}:lost`,
    reopen: `${prefix}:reopen`,
    window: under('w'),
    attempt: under('a'),
    job: under('j'),
    limit: under('q'),
    gates: `${prefix}:gates`,
    cached: under('cache'),
    vector: under('emb'),
    filed: under('filed'),
    cacheNotes: `${prefix}:cache-notes`,
    prompt: under('prompt'),
    prompts: under('prompts'),
    flight: under('f'),
    followers: under('fw'),
    turns: under('turns'),
    flow: under('flow'),
    result: under('res'),
    body: under('body'),
    reply: under('reply'),
    cancelChannel: `${prefix}:cancel`,
    policyChannel: `${prefix}:policy-changed`,
  }
}
