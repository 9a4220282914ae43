import { z } from 'zod'
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
  const data = parsed.data.data.map((item) => ({ ...item, embedding: numbersOf(item.embedding) }))
  return { ...parsed.data, data }
}

/** base64 of little-endian 32-bit floats. */
function numbersOf(embedding: unknown): unknown {
  if (typeof embedding !== 'string') return embedding
  const bytes = Buffer.from(embedding, 'base64')
  // A Buffer may start anywhere in its pool, a Float32Array only at a multiple of 4.
  const copy = new Uint8Array(bytes)
  return Array.from(new Float32Array(copy.buffer, 0, Math.floor(copy.length / 4)))
}
