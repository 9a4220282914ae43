/** No text can spell it: neither JSON nor a query can bring it along. */
const KEY = Symbol('the API key that a request came with')

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
