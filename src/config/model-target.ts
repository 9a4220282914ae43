/** Where a model's name leads. */
export interface ModelTarget {
  readonly provider: string
  /** What is sent to the provider as `model`. */
  readonly upstreamModel: string
}

/** The provider of a model whose name says none. */
export const DEFAULT_PROVIDER = 'openai'

/**
 * Splits a model's name: `local/small` is `small` at the provider `local`, when there is one of that name.
 * @param named - the provider that stands beside the model; '' = none does.
 */
export function modelTarget(
  model: string,
  named: string,
  isProvider: (name: string) => boolean,
): ModelTarget {
  const at = model.indexOf('/')
  const prefix = at === -1 ? '' : model.slice(0, at)
  if (named !== '') {
    return { provider: named, upstreamModel: prefix === named ? model.slice(at + 1) : model }
  }
  return prefix !== '' && isProvider(prefix)
    ? { provider: prefix, upstreamModel: model.slice(at + 1) }
    : { provider: DEFAULT_PROVIDER, upstreamModel: model }
}
