import type { z } from 'zod'
import type { KeyRole } from '../../access/roles.ts'
import type { ErrorCode } from '../../errors.ts'

/** Who may ask: anybody, whoever signs, or a key of a role (and, for operators, this machine). */
export type Access = 'anybody' | 'signature' | KeyRole

export const TAGS = ['Jobs', 'OpenAI', 'Account', 'Operators', 'Process', 'Webhooks'] as const
export type Tag = (typeof TAGS)[number]

/** What one status answers with. */
export interface AnswerDoc {
  readonly says: string
  /** Absent = no body. */
  readonly body?: z.ZodType
  /** Absent = application/json. */
  readonly type?: 'application/json' | 'text/event-stream' | 'text/plain' | 'text/html'
}

/** One route, as the OpenAPI document and the reference page have it. A route without one fails a test. */
export interface RouteDoc {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** As Fastify has it: `/v1/jobs/:id`. */
  readonly path: string
  readonly tag: Tag
  readonly access: Access
  readonly summary: string
  readonly description?: string
  /** Objects whose fields are parameters. */
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  readonly body?: z.ZodType
  readonly answers: Readonly<Record<number, AnswerDoc>>
  /** Beside those that every route may answer with. */
  readonly errors?: readonly ErrorCode[]
}
