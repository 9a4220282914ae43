/** How a sandbox behaves; everything has a default but the seed. */
export interface SandboxOptions {
  /** 0 = any free port. */
  readonly port?: number
  readonly host?: string
  /** Fixes every answer, every count and every drawn fault. */
  readonly seed: number
  /** File that gains one JSON line per billed call. */
  readonly bill?: string
  /** Shares of requests that go wrong, as in `429:0.05,cut:0.01`. */
  readonly faults?: string
  /** From the request to the first byte, ms. */
  readonly latencyMs?: number
  /** Between the chunks of a stream, ms. */
  readonly chunkDelayMs?: number
  /** Words in one chunk of a stream. */
  readonly tokensPerChunk?: number
  /** A client that leaves a stream pays for what was sent, not for the whole answer. */
  readonly abortEndsBill?: boolean
  /** From the creation of a batch to its end, ms. */
  readonly batchMs?: number
  /** Unix ms, for tests that need their own days. */
  readonly now?: () => number
}

/** What the sandbox has seen so far. */
export interface SandboxStats {
  /** Calls to chat completions, responses and embeddings, whatever became of them. */
  readonly requests: number
  /** Calls and batch items on the bill, those of earlier runs in the same file included. */
  readonly billed: number
  readonly billedNano: number
  /** Calls not yet ended. */
  readonly inFlight: number
  /** Fault -> how often it struck. */
  readonly faults: Readonly<Record<string, number>>
}

export interface Sandbox {
  /** With `/v1`, as an OpenAI client wants its base URL. */
  readonly url: string
  readonly port: number
  stats(): SandboxStats
  /** Drops every connection and closes the bill. Safe to call twice. */
  close(): Promise<void>
}
