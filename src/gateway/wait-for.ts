/** How a wait ended when the work had not. */
export type CutShort = 'closing' | 'time'

/**
 * Waits for work, but not past the end of the server nor a limit. The work goes on; nobody hears of its failure then.
 * @param limitMs - how long at most; absent = as long as it takes.
 */
export function waitFor<T>(
  work: Promise<T>,
  closing: AbortSignal,
  limitMs?: number,
): Promise<{ readonly done: T } | CutShort> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const stop = () => {
      clearTimeout(timer)
      closing.removeEventListener('abort', onClosing)
    }
    const cut = (how: CutShort) => {
      stop()
      resolve(how)
    }
    const onClosing = () => cut('closing')
    work.then(
      (done) => {
        stop()
        resolve({ done })
      },
      (error: unknown) => {
        stop()
        reject(error)
      },
    )
    if (closing.aborted) return cut('closing')
    closing.addEventListener('abort', onClosing)
    if (limitMs !== undefined) timer = setTimeout(() => cut('time'), limitMs)
  })
}
