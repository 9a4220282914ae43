import { z } from 'zod'
import { numbersOf } from '../cache/embeddings/vectors.ts'
import type { RequestBody } from './types.ts'

const Encoded = z.looseObject({
  data: z.array(z.looseObject({ embedding: z.unknown().optional() })),
})

/**
 * Turns base64 vectors into numbers for a caller that asked for no format. Servers that send numbers whatever they are
 * asked are left alone.
 */
export function decodeVectors(body: RequestBody, answer: unknown): unknown {
  if (body.encoding_format !== undefined) return answer
  const parsed = Encoded.safeParse(answer)
  if (!parsed.success) return answer
  const data = parsed.data.data.map((item) => ({ ...item, embedding: decoded(item.embedding) }))
  return { ...parsed.data, data }
}

const decoded = (embedding: unknown): unknown =>
  typeof embedding === 'string' ? numbersOf(embedding) : embedding
