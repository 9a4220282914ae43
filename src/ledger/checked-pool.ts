import { Pool, type PoolClient, type PoolConfig } from 'pg'

type Done = (release?: boolean | Error) => void
type Callback = (error: Error | undefined, client: PoolClient | undefined, done: Done) => void

/** A connection that does not answer this within ms is given up. */
const CHECK_TIMEOUT_MS = 2_000

/**
 * A pool that looks whether a connection still lives before it hands it out, when nobody used it for a while: one whose
 * backend was ended, or that a firewall forgot, is closed and the next one, or a new one, is taken.
 */
export class CheckedPool extends Pool {
  private readonly checkAfterMs: number
  private readonly idleSinceMs = new WeakMap<object, number>()

  /** @param checkAfterMs - idle for longer than this, it is asked first. */
  constructor(config: PoolConfig, checkAfterMs: number) {
    super(config)
    this.checkAfterMs = checkAfterMs
    this.on('release', (_error, client) => this.idleSinceMs.set(client, performance.now()))
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Callback): void
  override connect(callback?: Callback): Promise<PoolClient> | undefined {
    const connected = this.connectChecked()
    if (!callback) return connected
    connected.then(
      (client) => callback(undefined, client, (release) => client.release(release)),
      (error: Error) => callback(error, undefined, () => {}),
    )
    return undefined
  }

  private async connectChecked(): Promise<PoolClient> {
    for (;;) {
      const client = await super.connect()
      // One that was made just now has never been idle: this ends with it at the latest.
      if (await this.lives(client)) return client
      client.release(true)
    }
  }

  private async lives(client: PoolClient): Promise<boolean> {
    const sinceMs = this.idleSinceMs.get(client)
    if (sinceMs === undefined || performance.now() - sinceMs < this.checkAfterMs) return true
    const question = { text: 'select 1', query_timeout: CHECK_TIMEOUT_MS }
    return await client.query(question).then(
      () => true,
      () => false,
    )
  }
}
