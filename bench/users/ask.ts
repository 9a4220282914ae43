import { z } from 'zod'
import type { Person } from '../../src/cli/demo/people.ts'
import type { Question } from './people.ts'

/** How a request ended for whoever asked. */
export interface Ended {
  readonly kind: 'cached' | 'joined' | 'answered' | 'answered-stream' | 'refused' | 'fault'
  /** Bursar's code of a refusal or a fault; '' = answered. */
  readonly code: string
  /** Until the last byte, ms. */
  readonly tookMs: number
}

const ErrorSchema = z.object({ error: z.object({ bursar: z.object({ code: z.string() }) }) })

/** What the policy itself says no with. */
const OF_POLICY: readonly string[] = ['BUDGET_EXHAUSTED', 'RATE_LIMITED']

const LONGEST_MS = 120_000

/** Asks as an app with an OpenAI client would, and waits for all of the answer. Never rejects. */
export async function askOnce(url: string, person: Person, question: Question): Promise<Ended> {
  const startedMs = performance.now()
  const seen = await send(url, person, question).catch((error: unknown) => ({
    kind: 'fault' as const,
    code: error instanceof Error ? error.name : 'unknown',
  }))
  return { ...seen, tookMs: performance.now() - startedMs }
}

async function send(
  url: string,
  { user, tenant, tier }: Person,
  { content, stream, tutor, outputTokens }: Question,
): Promise<Omit<Ended, 'tookMs'>> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    signal: AbortSignal.timeout(LONGEST_MS),
    headers: {
      'content-type': 'application/json',
      ...{ 'x-bursar-tenant': tenant, 'x-bursar-tier': tier, 'x-bursar-user': user },
      ...(tutor && { 'x-bursar-tags': 'feature=tutor' }),
    },
    body: JSON.stringify({
      ...{ model: 'auto', stream, messages: [{ role: 'user', content }] },
      metadata: { sandbox_output_tokens: String(outputTokens) },
    }),
  })
  const text = await response.text()
  if (!response.ok) return deniedBy(text)
  const broken = /^data: (\{"error":.*)$/m.exec(text)?.[1]
  if (broken !== undefined) return deniedBy(broken)
  if (stream && !text.includes('data: [DONE]')) return { kind: 'fault', code: 'CUT_STREAM' }
  const verdict =
    response.headers.get('x-bursar-cache') ?? /^: x-bursar-cache: (.*)$/m.exec(text)?.[1]
  return { kind: kindOf(verdict ?? '', stream), code: '' }
}

function deniedBy(text: string): Omit<Ended, 'tookMs'> {
  const { code } = readError(text)
  return { kind: OF_POLICY.includes(code) ? 'refused' : 'fault', code }
}

function readError(text: string): { readonly code: string } {
  try {
    return ErrorSchema.parse(JSON.parse(text)).error.bursar
  } catch {
    return { code: 'UNREADABLE' }
  }
}

function kindOf(verdict: string, stream: boolean): Ended['kind'] {
  const [word] = verdict.toLowerCase().split(/[;,\s]/)
  if (word === 'hit' || word === 'stale') return 'cached'
  if (word === 'joined') return 'joined'
  return stream ? 'answered-stream' : 'answered'
}
