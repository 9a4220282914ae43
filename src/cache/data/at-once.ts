/** Loaders that one event or one warming runs at a time. */
const AT_ONCE = 8

/** Runs work for each of many, a few at a time; the first failure ends it. */
export async function eachAtOnce<T>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all.values()
  const lane = async () => {
    for (const one of left) await work(one)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, lane))
}
