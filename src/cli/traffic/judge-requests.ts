import { noOutcomes } from '../../ledger/queries/outcome-counts.ts'
import { type Difference, difference, type Evidence } from './evidence.ts'

type RequestEvidence = Pick<
  Evidence,
  'heard' | 'contradicted' | 'ends' | 'parked' | 'restless' | 'fallen'
>

/** Outcomes as the ledger and the queue have them; together they are every request, when all is well. */
export function countOutcomes({ heard, ends, parked }: RequestEvidence) {
  const counts = noOutcomes()
  for (const outcome of ends.values()) counts[outcome] += 1
  return {
    requests: heard.size,
    ...counts,
    parked: [...parked].filter((job) => !ends.has(job)).length,
  }
}

/** Each request has exactly one end, or is parked; its caller heard the same. */
export function judgeRequests(evidence: RequestEvidence): Difference[] {
  const { heard, contradicted, ends, parked, restless, fallen } = evidence
  const jobs = [...heard.keys()]
  const lost = jobs.filter((job) => !ends.has(job) && !parked.has(job))
  const strangers = [...ends.keys(), ...parked].filter((job) => !heard.has(job))
  const both = [...parked].filter((job) => ends.has(job))
  const misheard = jobs.filter((job) => (heard.get(job) ?? null) !== (ends.get(job) ?? null))
  const told = (job: string) => `${job}: heard ${heard.get(job)}, ledger ${ends.get(job)}`
  return [
    ...difference('requests without an outcome', lost),
    ...difference('requests that nobody sent', strangers),
    ...difference('requests that ended and are parked too', both),
    ...difference(
      'requests whose caller heard another end than the ledger has',
      misheard.map(told),
    ),
    ...difference('requests whose caller heard two ends', contradicted),
    ...difference(
      'work that never came to rest',
      restless ? ['see requests without an outcome'] : [],
    ),
    ...difference(
      'workers that fell by themselves',
      Array.from({ length: fallen }, () => 'see the log'),
    ),
  ]
}
