import { messageOf } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import type { FigureShelf } from './shelf.ts'

export interface Reporting {
  readonly recorder: Recorder
  /** Passes on what was counted; what cannot be passed on is counted with the next. Never throws. */
  report(): Promise<void>
  /** Reports once more, and no more. */
  close(): Promise<void>
}

const EVERY_MS = 5_000

/** Counts here, and tells the shelf every few seconds while there is something to tell. No timer keeps a process alive. */
export function createReporting(
  shelf: FigureShelf,
  logger: Pick<Logger, 'warn'>,
  everyMs = EVERY_MS,
): Reporting {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  let isAway = false

  async function report(): Promise<void> {
    const lines = recorder.take()
    if (lines.length === 0) return
    try {
      await shelf.add(lines, Date.now())
      isAway = false
    } catch (error) {
      recorder.giveBack(lines)
      const reason = messageOf(error)
      if (!isAway) logger.warn({ reason }, 'figures of the cache are told later')
      isAway = true
    }
  }

  const recorder = createRecorder(() => {
    if (isOver) return
    timer ??= setTimeout(() => {
      timer = undefined
      void report()
    }, everyMs).unref()
  })

  return {
    recorder,
    report,
    async close() {
      isOver = true
      clearTimeout(timer)
      await report()
    },
  }
}
