import type { ProviderPolicy } from '../config/policy-types.ts'
import { catalogueProviderOf } from './catalogue.ts'

const known = new WeakMap<ProviderPolicy, boolean>()
const OPENAI: readonly unknown[] = ['openai', 'azure']

/** Whether OpenAI's API reference holds for a provider as it is written: OpenAI itself, or Azure's service of it. */
export function isOpenAi(provider: ProviderPolicy | undefined): boolean {
  if (!provider) return false
  const before = known.get(provider)
  if (before !== undefined) return before
  const is = OPENAI.includes(catalogueProviderOf(provider.name, provider.baseUrl))
  known.set(provider, is)
  return is
}
