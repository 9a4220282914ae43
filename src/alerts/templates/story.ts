import type { Nano } from '../../money/nano.ts'
import type { Attachment, NoticeLink, NoticeState, Severity } from '../notice.ts'

/** What colours a message: how bad it is, `good` when it is over, `plain` when nothing is wrong. */
export type Tone = Severity | 'good' | 'plain'

/** One number that a reader looks for. */
export interface Figure {
  readonly label: string
  readonly value: string
}

/** How full something is, percent of its limit; `held` comes on top of `used`. */
export interface Meter {
  readonly usedPercent: number
  readonly heldPercent: number
  /** Share of the time that is gone; null = it has no end. */
  readonly timePercent: number | null
}

/** Lengths side by side. */
export interface Bars {
  readonly title: string
  readonly rows: readonly BarRow[]
  /** What a row is coloured by; absent = the message's tone. */
  readonly tone?: Tone
}
export interface BarRow {
  readonly name: string
  readonly value: string
  /** Beside the value, quieter; '' = nothing. */
  readonly note: string
  /** Of the longest or of the limit, 0..1; null = no bar. */
  readonly share: number | null
}

/** Something to know, under a heading of its own. */
export interface Note {
  readonly title: string
  readonly text: string
}

/** How a window went and will go on. Times in ms, money in nano-USD. */
export interface CourseShape {
  readonly kind: 'course'
  readonly fromMs: number
  readonly toMs: number
  readonly points: readonly { readonly atMs: number; readonly spentNano: Nano }[]
  readonly limitNano: Nano
  /** At the end of the window; null = too little is known. */
  readonly outlook: {
    readonly expectedNano: Nano
    readonly lowNano: Nano
    readonly highNano: Nano
  } | null
}

/** An amount for each of several days. */
export interface DaysShape {
  readonly kind: 'days'
  readonly amounts: readonly Nano[]
}

/**
 * A picture without any words in it: what it shows is the same on every machine, whatever fonts that has; words stand
 * around it.
 */
export interface Chart {
  readonly shape: CourseShape | DaysShape
  /** What it shows, for those who do not see it. */
  readonly alt: string
  /** Under its left end, its middle and its right end; '' = nothing. */
  readonly axis: readonly [string, string, string]
  readonly legend: readonly {
    readonly mark: 'line' | 'band' | 'limit' | 'bar'
    readonly text: string
  }[]
}

/** What one rule has to tell: the parts of a message that are its own. Texts are clean and of one line. */
export interface Telling {
  /** e.g. `acme monthly AI budget at 96% ($960 of $1,000)` */
  readonly title: string
  readonly lead: string
  readonly figures: readonly Figure[]
  readonly meter?: Meter | null
  readonly chart?: Chart | null
  readonly bars?: readonly Bars[]
  readonly notes?: readonly Note[]
  readonly files?: readonly Attachment[]
}

/** A whole message, before it is written as e-mail, text or Slack blocks. */
export interface Story extends Required<Telling> {
  readonly subject: string
  readonly badge: string
  readonly tone: Tone
  readonly state: NoticeState
  readonly buttons: readonly Pick<NoticeLink, 'kind' | 'label' | 'href'>[]
  /** Which message it is, for whoever asks about it. */
  readonly footer: string
}
