import { z } from 'zod'

const name = z.string().trim().min(1).max(256)

/** What an operator wants gone. */
export const SelectionSchema = z
  .strictObject({
    /** Whose; a user is one of this tenant, or of the policy's default one. */
    tenant: name.optional(),
    user: name.optional(),
    /** Data of this namespace alone. */
    namespace: name.optional(),
    /** Answers of models, data of applications, or both. */
    of: z.enum(['answers', 'data', 'both']).default('both'),
    /** One of these, or only whose it is. */
    key: z.string().min(1).max(1_024).optional(),
    pattern: z.string().min(1).max(1_024).optional(),
    tag: z.string().min(1).max(512).optional(),
    event: name.optional(),
    everything: z.boolean().default(false),
  })
  .superRefine((asked, context) => {
    const named = [asked.key, asked.pattern, asked.tag, asked.event, asked.everything || undefined]
    const count = named.filter((one) => one !== undefined).length
    const whose = [asked.tenant, asked.user, asked.namespace].some((one) => one !== undefined)
    if (count > 1) context.addIssue('say one of key, pattern, tag, event and everything')
    if (count === 0 && !whose) {
      context.addIssue('say what: tenant, user, namespace, key, pattern, tag, event or everything')
    }
    if (asked.everything && whose) {
      context.addIssue('everything is of everybody: leave tenant, user and namespace out')
    }
    if (asked.namespace !== undefined && asked.of === 'answers') {
      context.addIssue('a namespace is of data: leave it out, or say of: data')
    }
  })
export type Selection = Readonly<z.infer<typeof SelectionSchema>>

/** For records: the words that were said, in their order. */
export const wordsOf = (selection: Selection): string =>
  Object.entries(selection)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => (value === true ? key : `${key}=${String(value)}`))
    .join(' ')
