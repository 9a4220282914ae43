import { z } from 'zod'
import { isBursarError } from '../errors.ts'
import { parseUsd } from '../money/usd.ts'

const USD = 'write USD in quotes, e.g. "12.50"'

/** Kept as text: what is multiplied later is never a float. */
export const usdText = z
  .union([z.string(), z.number()], { error: USD })
  .transform((value, context) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      context.addIssue({
        code: 'custom',
        message: `${value} is no whole number: write USD in quotes, "${value}"`,
      })
      return z.NEVER
    }
    try {
      parseUsd(String(value))
      return String(value)
    } catch (error) {
      if (!isBursarError(error, 'INVALID_MONEY')) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })

/** Nano-USD. */
export const usdNano = usdText.transform(parseUsd)
