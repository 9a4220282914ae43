import type { AdmissionStore } from '../admission/store.ts'
import type { Guard } from './guard.ts'

/** Commands whose callers are waited for; the outbox and what keeps a process tidy have their own patience. */
export function guardedStore<S extends AdmissionStore>(store: S, guard: Guard): S {
  return {
    ...store,
    intake: (command) => guard.run(() => store.intake(command)),
    takeLimits: (command) => guard.run(() => store.takeLimits(command)),
    admit: (command) => guard.run(() => store.admit(command)),
    release: (command) => guard.run(() => store.release(command)),
    settle: (command) => guard.run(() => store.settle(command)),
    renew: (command) => guard.run(() => store.renew(command)),
    conclude: (command) => guard.run(() => store.conclude(command)),
    cancel: (job) => guard.run(() => store.cancel(job)),
    credit: (command) => guard.run(() => store.credit(command)),
    adopt: (command) => guard.run(() => store.adopt(command)),
    lease: (command) => guard.run(() => store.lease(command)),
    bookLease: (command) => guard.run(() => store.bookLease(command)),
    closeLease: (command) => guard.run(() => store.closeLease(command)),
    peek: (keys) => guard.run(() => store.peek(keys)),
    peekLimits: (limits) => guard.run(() => store.peekLimits(limits)),
    result: (job) => guard.run(() => store.result(job)),
    results: (jobs) => guard.run(() => store.results(jobs)),
    body: (job) => guard.run(() => store.body(job)),
  }
}
