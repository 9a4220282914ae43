import { z } from 'zod'

/** A name of the operator's own. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'write a name of letters, digits, ".", "_" and "-", at most 64',
  )
/** As an app and its provider know it. */
export const modelName = z.string().min(1, 'write the name of a model').max(200)
/** Whatever else has a name. */
export const text = z.string().min(1, 'write something here').max(200)
