/** Adds up what several questions answer. */
export const sum = async (counts: readonly Promise<number>[]): Promise<number> =>
  (await Promise.all(counts)).reduce((all, one) => all + one, 0)
