export { BursarError, type ErrorCode, type ErrorDetail } from '../errors.ts'
export type { BudgetLine, Receipt } from '../queue/receipt.ts'
export type { StreamPart } from '../queue/streams/log-entry.ts'
export type { Answer } from './answer.ts'
export { type ClientOptions, createClient } from './client.ts'
export type { Client } from './client-type.ts'
export type { BudgetQuota, LimitQuota, Quota } from './quota.ts'
export type { Quote } from './quote.ts'
export type { AnswerStream } from './stream.ts'
export type {
  CancelledJob,
  ChatRequest,
  EmbeddingsRequest,
  EnqueuedJob,
  Governed,
  Identity,
  Request,
  ResponsesRequest,
  ResponseTo,
  RunOptions,
  StreamRequest,
} from './types.ts'
