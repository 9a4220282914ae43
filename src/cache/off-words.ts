import type { OffReason } from './rules.ts'

/** Why a request has nothing to do with the cache, in words that follow "because". */
export const OFF_WORDS: Readonly<Record<OffReason, string>> = {
  asked: 'it asks for that itself',
  policy: 'the policy has the cache off',
  model: 'its tier may not use the model',
  tools: 'it offers a function that cache.responses.pure_tools does not name',
  'built-in-tool':
    "it offers one of the provider's own tools, which look at the world as it is now",
  temperature: 'its temperature is above cache.responses.max_temperature',
  'several-answers': 'it asks for several answers at once',
  background: 'it runs in the background at the provider',
  'stored-elsewhere': 'earlier turns or its prompt stand at the provider, and not in the request',
  time: 'its question is about a time that passes (cache.responses.skip_when)',
}
