/** Items on their way from whoever puts them to one reader. Unread items wait. */
export interface Inbox<T> {
  put(item: T): void
  end(): void
  /** The reader fails with it once it has read what came before. */
  fail(error: unknown): void
  items(): AsyncGenerator<T, void>
}

export function createInbox<T>(): Inbox<T> {
  const waiting: T[] = []
  let over: { readonly error?: unknown } | null = null
  let wake = () => {}

  function stop(how: { readonly error?: unknown }): void {
    over ??= how
    wake()
  }

  async function* items(): AsyncGenerator<T, void> {
    for (;;) {
      yield* waiting.splice(0)
      if (waiting.length > 0) continue
      if (over) {
        if ('error' in over) throw over.error
        return
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    put(item) {
      waiting.push(item)
      wake()
    },
    end: () => stop({}),
    fail: (error) => stop({ error }),
    items,
  }
}
