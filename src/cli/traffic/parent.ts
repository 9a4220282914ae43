import type { Ready } from './children.ts'

/** Tells the process that started this one that it may go on. */
export const tellParent = (ready: Ready): void => void process.send?.(ready)

/**
 * Ends this process when its parent is gone: nobody is left to work for.
 * @returns closes the channel in peace.
 */
export function dieWithParent(): () => void {
  const die = () => process.exit(1)
  process.once('disconnect', die)
  return () => {
    process.off('disconnect', die)
    process.disconnect?.()
  }
}
