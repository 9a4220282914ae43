import type { Figure, Meter, Note, Tone } from '../templates/story.ts'

/** One page that a link opens, before it is HTML. Texts are clean and of one line. */
export interface Page {
  readonly status: number
  readonly badge: string
  readonly tone: Tone
  readonly title: string
  readonly lead: string
  readonly meter: Meter | null
  readonly figures: readonly Figure[]
  readonly notes: readonly Note[]
  /** null = there is nothing to decide. */
  readonly form: Form | null
  /** To whom the link was sent, for whoever got it from somebody else. '' = nobody knows. */
  readonly footer: string
}

/** What is asked before anything is done. */
export interface Form {
  /** Of the link, and what proves that we showed the page. */
  readonly token: string
  readonly proof: string
  readonly fields: readonly Field[]
  readonly submit: string
}

export type Field = {
  readonly name: string
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly required: boolean
} & (
  | { readonly kind: 'text'; readonly longest: number }
  | { readonly kind: 'usd'; readonly offers: readonly string[] }
  | {
      readonly kind: 'choice'
      readonly options: readonly { readonly value: string; readonly label: string }[]
    }
)
