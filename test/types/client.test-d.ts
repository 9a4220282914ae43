import type { ChatCompletion } from 'openai/resources/chat/completions'
import type { CreateEmbeddingResponse } from 'openai/resources/embeddings'
import type { Response } from 'openai/resources/responses/responses'
import { expectTypeOf, test } from 'vitest'
import type { createHttpClient } from '../../src/client/http/index.ts'
import type { Client, createClient, Request } from '../../src/client/index.ts'
import type { BrowserBursar } from '../../src/client/react/index.ts'

declare const bursar: Client

test('the answer has the shape of the request', () => {
  const chat = () =>
    bursar.run({ user: 'u', model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
  expectTypeOf<Awaited<ReturnType<typeof chat>>['response']>().toEqualTypeOf<ChatCompletion>()
  const responses = () =>
    bursar.run({ user: 'u', model: 'auto', operation: 'responses', input: 'hi' })
  expectTypeOf<Awaited<ReturnType<typeof responses>>['response']>().toEqualTypeOf<Response>()
  const embeddings = () => bursar.run({ user: 'u', model: 'text-embedding-3-small', input: 'hi' })
  expectTypeOf<
    Awaited<ReturnType<typeof embeddings>>['response']
  >().toEqualTypeOf<CreateEmbeddingResponse>()
})

test('every client is the same, over HTTP, over Redis and in a page', () => {
  expectTypeOf<ReturnType<typeof createHttpClient>>().toEqualTypeOf<Client>()
  expectTypeOf<ReturnType<typeof createClient>>().toEqualTypeOf<Client>()
  expectTypeOf<BrowserBursar['client']>().toEqualTypeOf<Client>()
})

test('the receipt writes money as text and as integers', () => {
  type Receipt = Awaited<ReturnType<Client['run']>>['receipt']
  expectTypeOf<Receipt['costUsd']>().toEqualTypeOf<string>()
  expectTypeOf<Receipt['costNano']>().toEqualTypeOf<number>()
  expectTypeOf<Receipt['left']>().toEqualTypeOf<string | null>()
})

test('a request without a user, or one that streams by a flag, does not compile', () => {
  expectTypeOf<{ model: string; messages: [] }>().not.toExtend<Request>()
  // @ts-expect-error -- stream() streams
  const flagged: Request = { user: 'u', model: 'auto', messages: [], stream: true }
  expectTypeOf(flagged).toExtend<Request>()
})
