import type { Environment } from '../../config/options.ts'

/** Where a replay lives, apart from everything else that Bursar does. */
export interface Workspace {
  /** True: one process may open it, and whoever drives works in it too. */
  readonly isEmbedded: boolean
  /** For the bill, the policy and the logs of the children. */
  readonly folder: string
  /** Leads a runtime to its stores. */
  readonly env: Environment
  /** All that `remove` would remove, in words. */
  readonly contents: string
  /** Removes all of it. Call it when nobody uses it any more. */
  remove(): Promise<void>
}
