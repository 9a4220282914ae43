import { z } from 'zod'
import { messageOf } from '../../errors.ts'
import { addNano } from '../../money/nano.ts'
import type { AdminPlace } from '../command.ts'
import { MOST_TENANTS, readRunways } from '../runway/read-runways.ts'
import { type Runway, RunwaySchema } from '../runway/runway.ts'

const count = z.int().min(0)

/** What waits of one tenant, its price tag, and how long the tenant's money lasts without it. */
export const TenantBacklogSchema = z.object({
  tenant: z.string(),
  jobs: count,
  /** The most that they can cost, nano-USD: the sum of what is known. */
  mostNano: count,
  /** Jobs that the sum leaves out. */
  unpriced: count,
  /** null = ledger, slot or policy did not answer; `runwayFault` says which. */
  runway: RunwaySchema.nullable(),
})
export type TenantBacklog = Readonly<z.infer<typeof TenantBacklogSchema>>

type Tag = Pick<TenantBacklog, 'jobs' | 'mostNano' | 'unpriced'>

/** Adds up what waits, tenant by tenant. */
export interface Backlog {
  add(job: { readonly tenant: string; readonly mostNano: number | null }): void
  /** How many tenants. */
  size(): number
  /** The dearest first, at most 100 tenants. */
  tags(): readonly (Tag & { readonly tenant: string })[]
}

export function createBacklog(): Backlog {
  const tags = new Map<string, Tag>()
  return {
    add({ tenant, mostNano }) {
      const known = tags.get(tenant) ?? { jobs: 0, mostNano: 0, unpriced: 0 }
      tags.set(tenant, {
        jobs: known.jobs + 1,
        mostNano: addNano(known.mostNano, mostNano ?? 0),
        unpriced: known.unpriced + (mostNano === null ? 1 : 0),
      })
    },
    size: () => tags.size,
    tags: () =>
      [...tags]
        .map(([tenant, tag]) => ({ tenant, ...tag }))
        .toSorted((a, b) => b.mostNano - a.mostNano || b.jobs - a.jobs)
        .slice(0, MOST_TENANTS),
  }
}

/** Adds runways, as far as those can be asked who know: what waits is told in any case. */
export async function withRunways(
  place: AdminPlace,
  tags: ReturnType<Backlog['tags']>,
): Promise<{ tenants: TenantBacklog[]; runwayFault: string | null }> {
  const [runways, runwayFault] = await asked(place, tags)
  const byTenant = new Map(runways.map((runway) => [runway.tenant, runway]))
  const tenants = tags.map((tag) => ({ ...tag, runway: byTenant.get(tag.tenant) ?? null }))
  return { tenants, runwayFault }
}

async function asked(
  place: AdminPlace,
  tags: ReturnType<Backlog['tags']>,
): Promise<[readonly Runway[], string | null]> {
  if (tags.length === 0) return [[], null]
  try {
    return [
      await readRunways(
        place,
        tags.map(({ tenant }) => tenant),
      ),
      null,
    ]
  } catch (error) {
    return [[], messageOf(error)]
  }
}
