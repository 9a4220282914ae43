/** The OpenAI endpoints that Bursar governs. */
export const OPERATIONS = ['chat.completions', 'responses', 'embeddings'] as const
export type Operation = (typeof OPERATIONS)[number]
