import { z } from 'zod'
import type { ErrorCode } from '../../errors.ts'
import { ERROR_STATUS } from '../error-status.ts'
import type { AnswerDoc, RouteDoc } from './route-doc.ts'
import { TAGS } from './route-doc.ts'
import { ErrorSchema } from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

/** What every route that wants a key may answer with. */
const KEYED: readonly ErrorCode[] = ['INVALID_REQUEST', 'INVALID_API_KEY', 'ACCESS_DENIED']
const ALWAYS: readonly ErrorCode[] = ['STORE_UNAVAILABLE', 'LEDGER_UNAVAILABLE']

/** An OpenAPI 3.1 document. @see https://spec.openapis.org/oas/v3.1.1.html */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: Json
  readonly tags: readonly Json[]
  /** Path, then method in small letters. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>
  readonly components: Json
}

/**
 * Makes the document of a gateway from the schemas that its requests are parsed by.
 * @param version - of Bursar.
 */
export function openApiDocument(routes: readonly RouteDoc[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = openApiPath(route.path)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Bursar', version, summary: 'A queue-based AI cost governor.' },
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: jsonSchema(ErrorSchema, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', bearerFormat: 'sk-bursar-...' } },
    },
  }
}

/** `/v1/jobs/:id` is `/v1/jobs/{id}` there. */
export const openApiPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}')

/** `POST /v1/admin/budget-grant` is `post-admin-budget-grant`. */
const operationId = ({ method, path }: RouteDoc): string =>
  `${method.toLowerCase()}-${path.replace(/^\/(v1\/)?/, '').replace(/[^\w-]+/g, '-')}`

function operationOf(route: RouteDoc): Json {
  const { tag, access, summary, description, params, query, headers, body, answers } = route
  const parameters = [
    ...parametersIn('path', params),
    ...parametersIn('query', query),
    ...parametersIn('header', headers),
  ]
  const isKeyed = access !== 'anybody' && access !== 'signature'
  return {
    operationId: operationId(route),
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    'x-bursar-access': access,
    security: isKeyed ? [{ key: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: jsonContent(body, 'input') } }),
    responses: { ...errorsOf(route, isKeyed), ...mapped(answers, answerOf) },
  }
}

function parametersIn(place: 'path' | 'query' | 'header', fields: z.ZodObject | undefined): Json[] {
  return Object.entries(fields?.shape ?? {}).map(([name, field]) => {
    const schema: z.ZodType = field as z.ZodType
    const { description, ...rest } = jsonSchema(schema, 'input')
    return {
      ...{ name, in: place, required: place === 'path' || !schema.safeParse(undefined).success },
      ...(description !== undefined && { description }),
      schema: rest,
    }
  })
}

function answerOf({ says, body, type = 'application/json' }: AnswerDoc): Json {
  if (type !== 'application/json') {
    return { description: says, content: { [type]: { schema: { type: 'string' } } } }
  }
  return { description: says, ...(body && { content: jsonContent(body, 'output') }) }
}

/** Codes of one status stand together. */
function errorsOf({ errors = [], access, body, params }: RouteDoc, isKeyed: boolean): Json {
  const reads = body !== undefined || params !== undefined
  const known = [
    ...(isKeyed ? KEYED : reads ? (['INVALID_REQUEST'] as const) : []),
    ...(access === 'anybody' ? [] : ALWAYS),
    ...errors,
  ]
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of known) {
    const { status } = ERROR_STATUS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const told = [...byStatus].map(([status, codes]) => [
    status,
    {
      description: codes.map((code) => `\`${code}\``).join(', '),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  ])
  return Object.fromEntries(told)
}

const mapped = <T>(values: Readonly<Record<string, T>>, map: (value: T) => Json): Json =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]))

const jsonContent = (schema: z.ZodType, io: 'input' | 'output'): Json => ({
  'application/json': { schema: jsonSchema(schema, io) },
})

/** What a schema cannot say in JSON Schema is left open there: the parser still judges it. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    ...{ io, unrepresentable: 'any', reused: 'inline' },
  })
  return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, opened(value)]))
}

/** A schema that holds itself ends where it would begin again. */
function opened(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(opened)
  if ('$ref' in value) return {}
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, opened(one)]))
}
