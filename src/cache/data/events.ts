import type { Core } from './core.ts'
import { empty } from './empty.ts'
import type { Loaders } from './loaders.ts'
import type { DataCache, Invalidated, Owner } from './types.ts'

export interface EventParts {
  readonly loaders: Pick<Loaders, 'refresh'>
  /** Drops what answers of models depend on an event; null = they depend on none, or are out of reach. */
  readonly answers?: (event: string, owner: Owner) => Promise<number | null>
}

/** The name under which answers stand in lists. */
export const ANSWERS = '(answers)'

/** What goes, and what is made anew, when something happens in the application. */
export function createEvents(
  core: Core,
  { loaders, answers }: EventParts,
): Pick<DataCache, 'emit'> {
  async function data(event: string, owner: Owner): Promise<Invalidated[]> {
    const namespaces = await core.namespaces()
    return Promise.all([
      ...namespaces.emptiedBy(event).map(async (of) => {
        return { namespace: of.name, dropped: await empty(core, of, owner), refreshed: 0 }
      }),
      ...namespaces.refreshedBy(event).map(async (of) => {
        return { namespace: of.name, ...(await loaders.refresh(of, owner)) }
      }),
    ])
  }

  return {
    async emit(event, owner = {}) {
      const all = await data(event, owner)
      // After the data: an answer that is asked for in between is made of what is new.
      const dropped = await answers?.(event, owner)
      if (typeof dropped === 'number') all.push({ namespace: ANSWERS, dropped, refreshed: 0 })
      for (const one of all)
        core.logger.info({ event, ...owner, ...one }, 'the cache was invalidated')
      return all
    },
  }
}
