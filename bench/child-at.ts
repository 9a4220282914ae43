import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { z } from 'zod'

const Told = z.object({ url: z.string() })

/** A child of a bench, once it has said where it listens. */
export async function childAt(
  process: ChildProcess,
): Promise<{ url: string; stop(): Promise<void> }> {
  const [message] = await once(process, 'message')
  return { url: Told.parse(message).url, stop: async () => void process.kill('SIGKILL') }
}
