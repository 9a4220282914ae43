import { createServer } from 'node:http'

/** A provider that answers at once, always the same: what is measured is what stands before it. */
const ANSWER = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_795_000_000,
  model: 'gpt-6-astra',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'Recursion is a function that calls itself.',
        refusal: null,
      },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 30, completion_tokens: 9, total_tokens: 39 },
  service_tier: 'default',
})
const HEAD = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) }

const server = createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(200, HEAD).end(ANSWER))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1` })
})
process.once('disconnect', () => process.exit(1))
