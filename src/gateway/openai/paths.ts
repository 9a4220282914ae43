import type { Operation } from '../../config/operations.ts'

/** What is asked where. */
export const OPENAI_PATHS = {
  '/v1/chat/completions': 'chat.completions',
  '/v1/responses': 'responses',
  '/v1/embeddings': 'embeddings',
} as const satisfies Readonly<Record<string, Operation>>

const ROUTES: ReadonlySet<string> = new Set([
  ...Object.keys(OPENAI_PATHS),
  '/v1/models',
  '/v1/models/:id',
])

/** Whether a route is one that OpenAI's clients call, who send a key wherever they go. */
export const isOpenAiRoute = (route: string): boolean => ROUTES.has(route)
