import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import { CUBES, type Cube, type Grain, TAGS } from '../cubes/cubes.ts'
import { type Measure, needsOperation } from './measures.ts'

/** What usage may be asked by, with its column in the cubes; a value of '' is not known, or there is none. */
const COLUMNS = {
  tenant: 'tenant',
  user: 'user_id',
  tier: 'tier',
  model: 'model',
  provider: 'provider',
  key: 'key_id',
  serviceTier: 'service_tier',
  operation: 'operation',
  urgency: 'urgency',
  modelRequested: 'model_requested',
  kind: 'kind',
} as const
type Column = keyof typeof COLUMNS

/** Names of dimensions that every request has; beside them `tag:<name>` asks by a tag. */
export const USAGE_DIMENSIONS = Object.keys(COLUMNS).filter(isColumn)
function isColumn(name: string): name is Column {
  return name in COLUMNS
}

const TAG = /^tag:(.+)$/s

/** A name of a dimension, `tenant` or `tag:feature`. */
export const DimensionSchema = z
  .string()
  .max(200)
  .refine((name) => isColumn(name) || TAG.test(name), {
    error: `write one of ${USAGE_DIMENSIONS.join(', ')}, or tag:<name>`,
  })
export type UsageDimension = z.infer<typeof DimensionSchema>

/** Of each dimension the values that count; all of them must agree. */
export const FiltersSchema = z.record(DimensionSchema, z.array(z.string().max(1_000)).min(1))
export type Filters = Readonly<z.infer<typeof FiltersSchema>>

const COARSE_FIRST: readonly Grain[] = ['month', 'day', 'hour']

/** A question in terms of the cubes. */
export interface CubePlan {
  /** Coarse to fine: a range is cut into the longest pieces that it has whole. */
  readonly cubes: readonly Cube[]
  /** The same for sums of all groups. */
  readonly ofTotals: readonly Cube[]
  /** The tag that it is about; null = none. */
  readonly tag: string | null
  /** Column of each dimension that it is grouped by. */
  readonly by: readonly string[]
  /** column -> values */
  readonly where: readonly { readonly column: string; readonly values: readonly string[] }[]
}

/**
 * Finds the cubes that know all of these dimensions.
 * @throws {BursarError} INVALID_ARGUMENT when none knows all of them: two tags, or a tag beside what is not kept with it.
 */
export function planCubes(
  by: readonly string[],
  where: Filters,
  measures: readonly Measure[] = [],
): CubePlan {
  const names = [...new Set([...by, ...Object.keys(where)])]
  const tags = names.flatMap((name) => TAG.exec(name)?.[1] ?? [])
  const others = names.filter(isColumn)
  const [tag = null] = tags
  if (tags.length > 1) throw notTogether(tags.map((name) => `tag:${name}`))
  const strange = others.find((name) => !TAGS.dimensions.includes(COLUMNS[name]))
  if (tag !== null && strange) throw notTogether([`tag:${tag}`, strange])
  const split = tag === null ? undefined : measures.find(needsOperation)
  if (split) throw notTogether([`tag:${tag}`, split])
  const filtered = Object.keys(where).filter(isColumn)
  return {
    cubes: cubesWith(others.map(columnOf), tag !== null),
    ofTotals: cubesWith(filtered.map(columnOf), tag !== null),
    tag,
    by: by.map(columnOf),
    where: Object.entries(where).map(([name, values]) => ({ column: columnOf(name), values })),
  }
}

/** Of each length of time the cube with the fewest rows that knows these columns, unless a finer one has fewer. */
function cubesWith(columns: readonly string[], byTag: boolean): readonly Cube[] {
  const knows = (cube: Cube) =>
    cube.byTag === byTag && columns.every((name) => cube.dimensions.includes(name))
  const fewest = COARSE_FIRST.flatMap((grain) => {
    const known = CUBES.filter((cube) => cube.grain === grain && knows(cube))
    return known.toSorted((a, b) => a.rowsADay - b.rowsADay).slice(0, 1)
  })
  return fewest.filter(
    (cube, at) => !fewest.slice(at + 1).some((finer) => finer.rowsADay < cube.rowsADay),
  )
}

const columnOf = (name: string): string => (isColumn(name) ? COLUMNS[name] : 'value')

const notTogether = (names: readonly string[]): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `${names.join(' and ')} are not kept together: usage by a tag is known for tenant, model and kind; ask for them one after the other`,
    { detail: { dimensions: names } },
  )
