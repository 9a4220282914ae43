import type { Environment } from '../../config/options.ts'
import { isBursarError } from '../../errors.ts'
import { findInFolder } from '../find-bursar.ts'
import { neverArrived, type Transport } from '../http/transport.ts'
import { transportTo } from '../http/transport-to.ts'
import { type Companion, startCompanion } from './companion.ts'

/** As long as one that ends may take to end its calls. */
const PATIENCE_MS = 30_000
/** A start may be lost to somebody quicker, who may be gone again at once. */
const MAX_STARTS = 5

/**
 * The way to whoever has a data folder open, found anew when they are gone; a folder that nobody has open gets a
 * companion of this process. Requests fail with DATA_FOLDER_IN_USE when the holder does not answer, and with what the
 * companion could not start for.
 */
export function folderTransport(folder: string, env: Environment): Transport {
  let current: Promise<Transport> | null = null
  let companion: Companion | null = null
  let closing = false

  async function reach(): Promise<Transport> {
    for (let starts = 0; ; starts++) {
      const found = await findInFolder(folder, PATIENCE_MS)
      if (found.at === 'gateway') return transportTo(found.url)
      try {
        companion = await startCompanion({ ...env, BURSAR_DATA: folder })
      } catch (error) {
        if (!isBursarError(error, 'DATA_FOLDER_IN_USE') || starts >= MAX_STARTS) throw error
      }
    }
  }

  function route(): Promise<Transport> {
    current ??= reach().catch((error: unknown) => {
      current = null
      throw error
    })
    return current
  }

  /** Whoever answered is gone: the next request looks again. */
  const leave = (via: Promise<Transport>) => {
    if (current === via) current = null
    void via.then((transport) => transport.close())
  }

  return {
    async send(request) {
      for (let tries = 0; ; tries++) {
        // Before anything is started: for a client that was closed, nobody would end it.
        request.signal.throwIfAborted()
        const via = route()
        const transport = await unlessAborted(via, request.signal)
        try {
          return await transport.send(request)
        } catch (error) {
          if (request.signal.aborted) throw error
          leave(via)
          if (!neverArrived(error) || tries > 0) throw error
        }
      }
    },
    close() {
      closing = true
      void current?.then((transport) => transport.close()).catch(() => {})
    },
    async closed() {
      await current?.catch(() => {})
      if (closing) await companion?.end()
    },
  }
}

/** Rejects with the signal's reason when it aborts first; the work goes on for others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
