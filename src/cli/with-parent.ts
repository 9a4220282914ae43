import type { CompanionWord } from '../client/embedded/companion.ts'
import { BursarError } from '../errors.ts'
import { CommandFailed } from './command.ts'

/** The process that started this one and waits for a word. */
export interface Parent {
  /** Aborted when it is gone. */
  readonly gone: AbortSignal
  /** Says that it may go on. */
  ready(): void
}

/**
 * Does work for the process that started this one, for as long as that one lives.
 * @throws {CommandFailed} after the parent was told why; other than typed errors pass.
 */
export async function withParent(work: (parent: Parent) => Promise<void>): Promise<void> {
  const gone = new AbortController()
  const onDisconnect = () => gone.abort()
  process.once('disconnect', onDisconnect)
  if (!process.connected) gone.abort()
  try {
    await work({ gone: gone.signal, ready: () => void tell({ ready: true }) })
  } catch (error) {
    if (!(error instanceof BursarError)) throw error
    const { code, message, retryable, detail } = error
    await tell({ failed: { code, message, retryable, detail: { ...detail } } })
    throw new CommandFailed()
  } finally {
    process.off('disconnect', onDisconnect)
    if (process.connected) process.disconnect()
  }
}

const tell = (word: CompanionWord): Promise<void> =>
  new Promise((resolve) => {
    if (!process.send || !process.connected) return resolve()
    // A parent that has gone meanwhile needs no word.
    process.send(word, undefined, undefined, () => resolve())
  })
