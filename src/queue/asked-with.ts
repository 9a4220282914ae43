/** No text can spell them: neither JSON nor a query can bring one along. */
const KEY = Symbol('the API key that a request came with')
const REQUEST = Symbol('the HTTP request that it came with')
const BODY = Symbol('the body that goes to the provider')

/** Notes on a request, for whoever reads it in this process, with which API key it came. */
export const withKey = <Asked extends object>(asked: Asked, keyId: string): Asked => ({
  ...asked,
  [KEY]: keyId,
})

/** @returns the id of the API key that the gateway noted; undefined = it came with none. */
export function keyOn(asked: unknown): string | undefined {
  if (typeof asked !== 'object' || asked === null) return undefined
  const noted: { [KEY]?: unknown } = asked
  return typeof noted[KEY] === 'string' ? noted[KEY] : undefined
}

/** Notes under which id the log has the HTTP request that something came with. */
export const withRequestId = <Asked extends object>(asked: Asked, requestId: string): Asked => ({
  ...asked,
  [REQUEST]: requestId,
})

/** @returns undefined = it came otherwise. */
export function requestIdOn(asked: unknown): string | undefined {
  if (typeof asked !== 'object' || asked === null) return undefined
  const noted: { [REQUEST]?: unknown } = asked
  return typeof noted[REQUEST] === 'string' ? noted[REQUEST] : undefined
}

/** Keeps the provider's part of a request apart, whose fields may be called like ours and mean something else. */
export const withBody = <Asked extends object>(
  asked: Asked,
  body: Readonly<Record<string, unknown>>,
): Asked => ({ ...asked, [BODY]: body })

/** @returns undefined = ours and the provider's fields stand side by side. */
export function bodyOn(asked: object): Readonly<Record<string, unknown>> | undefined {
  const noted: { [BODY]?: Readonly<Record<string, unknown>> } = asked
  return noted[BODY]
}
