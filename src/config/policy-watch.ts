import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { decode, type PolicyContext, parsePolicy, readPolicyFile } from './policy.ts'
import type { Policy } from './policy-types.ts'

/** What happens when the file changes. */
export interface PolicyListener {
  /** The file has other, valid content. */
  onChange(policy: Policy): void
  /** The file has other content that is no policy, or is gone: the policy in force stays. Once per content. */
  onError(error: unknown): void
}

/** A policy file under watch. */
export interface PolicyWatch {
  /** The last valid policy. */
  readonly policy: Policy
  /** Reads the file now, as at SIGHUP; ends when its listener was called, if there was anything to say. */
  reload(): Promise<void>
  /** Ends the watch; no listener is called after it. Idempotent. */
  close(): void
}

// An editor writes in several steps: what it left half done must not be reported as a mistake.
const SETTLE_MS = 100
// For file systems that tell nothing (network mounts).
const POLL_MS = 10_000

/**
 * Loads the policy and watches its file, with no gap between. The folder is watched, so that a file that is replaced
 * (editors, ConfigMaps) is seen too. Does not keep the process alive.
 * @throws {BursarError} as `loadPolicy`, when the first load fails.
 */
export async function watchPolicy(
  path: string,
  context: PolicyContext,
  listener: PolicyListener,
): Promise<PolicyWatch> {
  const file = new WatchedPolicy(path, context, listener)
  await file.start()
  return file
}

class WatchedPolicy implements PolicyWatch {
  readonly #path: string
  readonly #context: PolicyContext
  readonly #listener: PolicyListener
  #policy: Policy | undefined
  /** Content, or the message of a failed read, that was last told. */
  #seen = ''
  #reading: Promise<void> = Promise.resolve()
  #watcher: FSWatcher | undefined
  #settle: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined
  #closed = false

  constructor(path: string, context: PolicyContext, listener: PolicyListener) {
    this.#path = path
    this.#context = { file: basename(path), ...context }
    this.#listener = listener
  }

  get policy(): Policy {
    if (!this.#policy) throw new Error('a watch is handed out after its first load')
    return this.#policy
  }

  async start(): Promise<void> {
    this.#watcher = this.#watchFolder()
    try {
      this.#policy = this.#parse(await this.#read())
    } catch (error) {
      this.close()
      throw error
    }
    this.#poll = setInterval(() => void this.reload(), POLL_MS).unref()
  }

  reload(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#compare())
    return this.#reading
  }

  close(): void {
    this.#closed = true
    this.#watcher?.close()
    clearTimeout(this.#settle)
    clearInterval(this.#poll)
  }

  /** undefined where the folder cannot be watched: the poll is left. */
  #watchFolder(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, () => this.#changed())
      return watcher.on('error', () => watcher.close())
    } catch {
      return undefined
    }
  }

  #changed(): void {
    if (this.#closed) return
    clearTimeout(this.#settle)
    this.#settle = setTimeout(() => void this.reload(), SETTLE_MS).unref()
  }

  async #read(): Promise<string> {
    const content = decode(this.#path, await readPolicyFile(this.#path))
    this.#seen = content
    return content
  }

  #parse(content: string): Policy {
    return parsePolicy(content, this.#context)
  }

  async #compare(): Promise<void> {
    const before = this.#seen
    try {
      const content = await this.#read()
      if (this.#closed || content === before) return
      this.#policy = this.#parse(content)
      this.#listener.onChange(this.#policy)
    } catch (error) {
      this.#tell(error, before)
    }
  }

  #tell(error: unknown, before: string): void {
    // A file that cannot be read has no content to compare: its error stands for it.
    if (this.#seen === before) this.#seen = String(error)
    if (!this.#closed && this.#seen !== before) this.#listener.onError(error)
  }
}
