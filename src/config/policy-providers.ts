import { own } from './own.ts'
import { buildProvider } from './policy-build.ts'
import type { PolicyDocument } from './policy-document.ts'
import type { Draft } from './policy-draft.ts'
import type { Report } from './policy-errors.ts'
import { at } from './policy-issues.ts'
import type { ProviderPolicy } from './policy-types.ts'
import type { UnsetVariable } from './policy-variables.ts'

/** The document without the providers whose address is not set. */
export interface Available {
  readonly value: unknown
  /** provider -> the variable that it lacks */
  readonly dropped: ReadonlyMap<string, string>
}

/**
 * Judges the variables that have no value: a provider without its address is left out, one without its key has
 * none; anywhere else it is a mistake.
 */
export function dropUnset(document: PolicyDocument, report: Report): Available {
  const dropped = new Map<string, string>()
  for (const variable of document.unset) {
    const [section, provider, key] = variable.path
    const ofProvider = variable.named && section === 'providers' && variable.path.length === 3
    if (ofProvider && key === 'base_url') dropped.set(String(provider), variable.name)
    else if (!ofProvider || key !== 'key') report(variable.path, wordsOf(variable))
  }
  return { value: withoutProviders(document.value, dropped), dropped }
}

const wordsOf = ({ name, named }: UnsetVariable): string =>
  named
    ? `the variable ${name} is not set; set it, or write a default: \${${name}:-...}`
    : `"\${${name}}" names no variable; write \${NAME} or \${NAME:-default}`

function withoutProviders(value: unknown, dropped: ReadonlyMap<string, string>): unknown {
  const providers = at(value, ['providers'])
  if (typeof value !== 'object' || typeof providers !== 'object' || !providers) return value
  const kept = Object.entries(providers).filter(([name]) => !dropped.has(name))
  return { ...value, providers: Object.fromEntries(kept) }
}

/** Providers by name, with what a person should know of them. */
export function buildProviders(
  document: PolicyDocument,
  draft: Draft,
  dropped: ReadonlyMap<string, string>,
): { providers: Readonly<Record<string, ProviderPolicy>>; warnings: readonly string[] } {
  const built = Object.entries(draft.providers).flatMap(([name, provider]) => {
    const keyText = at(document.written, ['providers', name, 'key'])
    return provider ? [buildProvider(name, provider, keyText, draft.defaults.timeout)] : []
  })
  const bare = built.filter((provider) => provider.apiKey !== '' && provider.apiKeyFrom === null)
  return {
    providers: own(Object.fromEntries(built.map((provider) => [provider.name, provider]))),
    warnings: [
      ...[...dropped].map(
        ([name, variable]) =>
          `provider ${name} and the rungs on it are left out: ${variable} is not set`,
      ),
      ...bare.map(
        ({ name }) =>
          `the key of provider ${name} stands in ${document.file}; write \${NAME} and keep it in the environment`,
      ),
    ],
  }
}
