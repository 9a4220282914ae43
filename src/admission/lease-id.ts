import { randomUUID } from 'node:crypto'

/** Longer than a restart and a look at the journal; shorter than what a lost disk should block. */
export const LEASE_TTL_MS = 3_600_000

/** No attempt is called so: a job's id has eight characters at least. */
const PREFIX = 'lease/'

/** Names a new allowance. */
export const newLeaseId = (): string => `${PREFIX}${randomUUID()}`

/** Whether an attempt id is that of an allowance: nothing was called under it. */
export const isLeaseId = (attempt: string): boolean => attempt.startsWith(PREFIX)
