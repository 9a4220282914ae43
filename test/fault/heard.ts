import { z } from 'zod'

/** What one of those who ask heard. */
export const HeardSchema = z.array(
  z.object({
    text: z.string(),
    cache: z.string(),
    costNano: z.int(),
    attempt: z.string().nullable(),
  }),
)
export type Heard = z.infer<typeof HeardSchema>
