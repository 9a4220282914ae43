import type { AdmissionStore } from '../../admission/store.ts'
import type { DataStore } from '../../cache/data/store.ts'
import type { VectorStore } from '../../cache/embeddings/store.ts'
import type { FigureShelf } from '../../cache/figures/shelf.ts'
import type { AnswerShelf } from '../../cache/invalidation/answer-shelf.ts'
import type { Answers } from '../../cache/responses/answers.ts'
import type { PromptParts } from '../../cache/warming/keep-prompt.ts'

/** Where answers and data are cached. */
export interface CachePlace {
  readonly answers: AnswerShelf
  /** Of texts, which belong to answers. */
  readonly vectors: Pick<VectorStore, 'clear'>
  /** Data of applications, and what was counted of it; null = embedded: each program keeps its own in its memory. */
  readonly data: DataStore | null
  readonly figures: FigureShelf | null
  /** Of the whole server; null = embedded. @throws {BursarError} STORE_UNAVAILABLE. */
  memory(): Promise<Memory | null>
}

/** What asking beforehand takes. */
export interface WarmPlace {
  readonly store: Pick<AdmissionStore, 'intake' | 'conclude' | 'result'>
  readonly kept: Answers
  readonly answerShelf: AnswerShelf
  readonly prompts: PromptParts
}

export interface Memory {
  readonly usedBytes: number
  /** null = as much as the machine has. */
  readonly maxBytes: number | null
}
