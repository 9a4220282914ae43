import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { keyOf } from '../authorize.ts'
import { narrowed } from '../narrowed.ts'
import { claimed } from '../openai/claimed.ts'
import { readOwnHeaders } from '../openai/headers-in.ts'
import { type Asker, listModels, oneModel } from '../openai/models.ts'
import { OPENAI_PATHS } from '../openai/paths.ts'
import { readOpenAiRequest, whoAsks } from '../openai/read-request.ts'
import { countRetries } from '../openai/retries.ts'
import { answerTurn, leaving, sendFailure } from '../openai/turn.ts'
import type { GatewayParts } from '../parts.ts'
import { readAs } from '../requests.ts'

const ModelSchema = z.object({ id: z.string().min(1).max(256) })

/** OpenAI’s API: whoever speaks it is governed by a change of the base URL. */
export function openAiRoutes(app: FastifyInstance, parts: GatewayParts): void {
  const { runtime } = parts
  const errorHandler = (error: unknown, _: FastifyRequest, reply: FastifyReply) => {
    sendFailure(error, reply, parts)
  }
  const claim = claimed(runtime)
  const countRetry = countRetries(runtime.metrics.registry)

  for (const [path, operation] of Object.entries(OPENAI_PATHS)) {
    app.post(path, { errorHandler }, async (asked, reply) => {
      countRetry(path, asked.headers)
      const gone = leaving(reply)
      const request = readOpenAiRequest(asked, operation, runtime)
      const known = { model: request.model, jobId: '', limits: [] }
      const held = await claim(asked, path, request)
      return answerTurn({ reply, parts, request, claim: held, known, gone })
    })
  }

  app.get('/v1/models', { errorHandler }, async (request) => {
    const data = listModels(askerOf(request, parts), runtime.rules.current(), Date.now())
    return { object: 'list', data }
  })

  app.get('/v1/models/:id', { errorHandler }, async (request) => {
    const { id } = readAs(ModelSchema, request.params)
    return oneModel(id, askerOf(request, parts), runtime.rules.current(), Date.now())
  })
}

function askerOf(request: FastifyRequest, { runtime }: GatewayParts): Asker {
  const who = whoAsks(request, readOwnHeaders(request.headers))
  return { key: keyOf(request), asked: narrowed(request, who, runtime) }
}
