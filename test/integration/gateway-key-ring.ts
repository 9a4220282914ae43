import { sql } from 'drizzle-orm'
import type { z } from 'zod'
import type { AdminCommand, AdminPlace } from '../../src/admin/command.ts'
import { keysCreate } from '../../src/admin/keys.ts'
import { embeddedPlace } from '../../src/admin/place/embedded.ts'
import type { Runtime } from '../../src/runtime.ts'

/** Makes keys as an operator does, over a runtime's own parts. */
export interface Keys {
  /** Every secret that was made so far. */
  readonly secrets: readonly string[]
  run<Input, Output>(command: AdminCommand<Input, Output>, input: unknown): Promise<Output>
  make(wanted: z.input<typeof keysCreate.input>): Promise<{ id: string; text: string }>
  /** As if it had never been made. */
  forget(id: string): Promise<void>
}

export function createKeys(runtime: Runtime): Keys {
  const place: AdminPlace = embeddedPlace(runtime)
  const secrets: string[] = []
  const run: Keys['run'] = (command, input) => command.run(place, command.input.parse(input))
  return {
    secrets,
    run,
    async make(wanted) {
      const { key, apiKey } = await run(keysCreate, wanted)
      secrets.push(apiKey)
      return { id: key.id, text: apiKey }
    },
    async forget(id) {
      await runtime.ledger.db.execute(sql`delete from api_keys where id = ${id}`)
    },
  }
}
