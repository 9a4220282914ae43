import { z } from 'zod'
import { ACTION_PATH } from '../../alerts/actions/links.ts'
import { JobParamsSchema } from '../requests.ts'
import { CacheMetricsSchema } from '../routes/cache-metrics.ts'
import { EventSchema } from '../routes/webhooks.ts'
import type { AnswerDoc, RouteDoc } from './route-doc.ts'
import {
  AnsweredSchema,
  CancelledSchema,
  HandedInSchema,
  JobRequestSchema,
  OpenAiSchema,
  QuotaSchema,
  QuoteSchema,
} from './schemas.ts'

const text = z.string()
const Wait = z.object({ wait: text.optional().describe('e.g. `30s`; `10m` at most.') })
const CacheHeaders = z.object({
  'x-bursar-cache': text.optional().describe('e.g. `refresh, ttl=10m`; before `cache-control`.'),
})
const Id = z.object({ id: JobParamsSchema.shape.id })
const LastEvent = z.object({
  'last-event-id': text.optional().describe('The id of the last event that came.'),
})
const Who = z.object({
  user: text,
  ...{ tenant: text.optional(), tier: text.optional(), session: text.optional() },
  ...{ run: text.optional(), resource: text.optional(), ip: text.optional() },
  tag: z.array(text).optional().describe('e.g. `feature=tutor`; any number of them.'),
})

const EVENTS: AnswerDoc = { says: 'The events, as they happen.', type: 'text/event-stream' }
const answer = (says: string, body: z.ZodType): AnswerDoc => ({ says, body })
const ANSWERED = answer('The answer.', AnsweredSchema)
const HANDED_IN = answer('The job is queued, or goes on.', HandedInSchema)

const JOBS: readonly RouteDoc[] = [
  {
    ...{ method: 'POST', path: '/v1/jobs', tag: 'Jobs', access: 'app' },
    summary: 'Hands a job in.',
    description:
      'With `wait` it answers as soon as the job has ended, with `"stream": true` by an event stream: `job`, each `part`, then `answer` or `error`.',
    query: Wait,
    headers: CacheHeaders,
    body: JobRequestSchema,
    answers: { 200: ANSWERED, 202: HANDED_IN },
    errors: ['BUDGET_EXHAUSTED', 'RATE_LIMITED', 'UNKNOWN_MODEL', 'UNKNOWN_TIER', 'CACHE_MISS'],
  },
  {
    ...{ method: 'GET', path: '/v1/jobs/:id', tag: 'Jobs', access: 'app' },
    summary: 'How a job stands, or its answer.',
    ...{ params: Id, query: Wait },
    answers: { 200: ANSWERED, 202: HANDED_IN },
    errors: ['UNKNOWN_JOB', 'RESULT_EXPIRED'],
  },
  {
    ...{ method: 'DELETE', path: '/v1/jobs/:id', tag: 'Jobs', access: 'app' },
    summary: 'Cancels a job.',
    params: Id,
    answers: { 200: answer('What became of it.', CancelledSchema) },
    errors: ['UNKNOWN_JOB'],
  },
  {
    ...{ method: 'GET', path: '/v1/jobs/:id/events', tag: 'Jobs', access: 'app' },
    summary: 'Tells what happens to a job until it has ended.',
    description:
      '`queued`, `parked` (with what it waits for and `resumesAt`), `started`, each `part` of a streamed job, and `ended`. Whoever comes back with `Last-Event-ID` is told what is new since; 204 says that nothing is.',
    params: Id,
    headers: LastEvent,
    answers: { 200: EVENTS, 204: { says: 'It has ended, and that was told.' } },
    errors: ['UNKNOWN_JOB', 'RESULT_EXPIRED'],
  },
]

const OPERATORS: readonly RouteDoc[] = [
  {
    ...{ method: 'GET', path: '/v1/admin/events', tag: 'Operators', access: 'viewer' },
    summary: 'What happens, as it happens, for whoever watches.',
    description:
      '`outcome` of each request, `threshold` of a budget, `change` by an operator or a policy file, and `parked`: how much work waits. Who reads too slowly is told how many were `dropped`.',
    answers: { 200: EVENTS },
  },
  {
    ...{ method: 'GET', path: '/v1/admin/cache/metrics', tag: 'Operators', access: 'viewer' },
    summary: 'What the cache did today (summary) or in seven days (report), and its health.',
    query: CacheMetricsSchema,
    answers: { 200: answer('As `cache-stats`, or `cache-health`.', z.looseObject({})) },
  },
]

const ACCOUNT: readonly RouteDoc[] = [
  {
    ...{ method: 'GET', path: '/v1/quota', tag: 'Account', access: 'app' },
    summary: 'What budgets and limits still allow. Takes nothing.',
    query: Who,
    answers: { 200: answer('How they stand.', QuotaSchema) },
    errors: ['UNKNOWN_TIER'],
  },
  {
    ...{ method: 'POST', path: '/v1/quote', tag: 'Account', access: 'app' },
    summary: 'Which model would answer now, and what that costs. Takes nothing.',
    body: JobRequestSchema,
    answers: { 200: answer('What it would meet.', QuoteSchema) },
    errors: ['UNKNOWN_TIER', 'UNKNOWN_MODEL'],
  },
]

const MODELS = answer('Models, as OpenAI lists them.', OpenAiSchema)
const openAi = (path: string, summary: string): RouteDoc => ({
  ...{ method: 'POST', path, tag: 'OpenAI', access: 'app', summary, body: OpenAiSchema },
  description: 'As OpenAI has it, errors too; `x-bursar-*` headers say what Bursar needs to know.',
  answers: { 200: answer("The provider's answer; with `stream` an event stream.", OpenAiSchema) },
  errors: ['BUDGET_EXHAUSTED', 'RATE_LIMITED', 'UNKNOWN_MODEL'],
})
const OPENAI: readonly RouteDoc[] = [
  openAi('/v1/chat/completions', 'Chat completions.'),
  openAi('/v1/responses', 'Responses.'),
  openAi('/v1/embeddings', 'Embeddings.'),
  {
    ...{ method: 'GET', path: '/v1/models', tag: 'OpenAI', access: 'app' },
    summary: 'Models that the key may use.',
    answers: { 200: MODELS },
  },
  {
    ...{ method: 'GET', path: '/v1/models/:id', tag: 'OpenAI', access: 'app' },
    summary: 'One of them.',
    params: z.object({ id: text }),
    answers: { 200: MODELS },
    errors: ['UNKNOWN_MODEL'],
  },
]

const Health = z.looseObject({ alive: z.literal(true), status: z.enum(['ok', 'degraded']) })
const Ready = z.object({ ready: z.boolean(), parts: z.record(text, z.looseObject({})) })
const PROCESS: readonly RouteDoc[] = [
  {
    ...{ method: 'GET', path: '/health', tag: 'Process', access: 'anybody' },
    summary: 'Whether the process lives; touches nothing else.',
    answers: { 200: answer('It does.', Health) },
  },
  {
    ...{ method: 'GET', path: '/ready', tag: 'Process', access: 'anybody' },
    summary: 'Whether it can work, and which part cannot.',
    answers: { 200: answer('It can.', Ready), 503: answer('It cannot.', Ready) },
  },
  {
    ...{ method: 'GET', path: '/metrics', tag: 'Process', access: 'viewer' },
    summary: 'Figures of this process, for Prometheus.',
    answers: { 200: { says: 'In the text format of Prometheus.', type: 'text/plain' } },
  },
  {
    ...{ method: 'GET', path: '/openapi.json', tag: 'Process', access: 'anybody' },
    summary: 'This document.',
    answers: { 200: answer('OpenAPI 3.1.', OpenAiSchema) },
  },
  {
    ...{ method: 'GET', path: '/docs', tag: 'Process', access: 'anybody' },
    summary: 'This document, for people.',
    answers: { 200: { says: 'A page.', type: 'text/html' } },
  },
]

const Signature = z.object({
  ...{ 'webhook-id': text, 'webhook-timestamp': text, 'webhook-signature': text },
})
const WEBHOOKS: readonly RouteDoc[] = [
  {
    ...{ method: 'POST', path: '/v1/webhooks/subscriptions', tag: 'Webhooks' },
    access: 'signature',
    summary: "A user's tier, as a subscription system has it.",
    headers: Signature,
    body: EventSchema,
    answers: { 200: answer('The tier in force.', z.looseObject({})) },
    errors: ['INVALID_SIGNATURE', 'UNKNOWN_TIER'],
  },
]

const PAGE: AnswerDoc = { says: 'A page for people.', type: 'text/html' }
const ACTIONS: readonly RouteDoc[] = [
  {
    ...{ method: 'GET', path: ACTION_PATH, tag: 'Webhooks', access: 'anybody' },
    summary: 'The page behind a link in a message: what the link would do.',
    query: z.object({ t: text.optional().describe('What only we can have written.') }),
    answers: { 200: PAGE, 400: PAGE },
  },
  {
    ...{ method: 'POST', path: ACTION_PATH, tag: 'Webhooks', access: 'anybody' },
    summary: 'Does what the link says, once; whoever has it may.',
    answers: { 200: PAGE, 400: PAGE },
  },
]

/** Every route but those of operators' commands, which are described by themselves. */
export const ROUTES: readonly RouteDoc[] = [
  ...JOBS,
  ...OPENAI,
  ...ACCOUNT,
  ...OPERATORS,
  ...PROCESS,
  ...WEBHOOKS,
  ...ACTIONS,
]
