import { and, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../ledger/columns.ts'
import { asking, type LedgerDb, rowsOf, run } from '../ledger/ledger.ts'
import { type AlertState, alertHistory, alertMarks, alerts } from '../ledger/schema.ts'
import { type AlertFacts, alertId, type Finding } from './finding.ts'

/** An alert as the ledger has it. */
export type AlertRow = Readonly<typeof alerts.$inferSelect>

/** Who does what nobody asked for. */
export const BURSAR = 'bursar'

/** What an alert is changed by, for its history. */
export interface Change {
  readonly what: string
  readonly by: string
  readonly why: string
  readonly atMs: number
}

const Mark = z.object({ at: SafeInteger })

/** Reads how far something is, and keeps everybody else out until the transaction ends. */
export async function lockMark(tx: LedgerDb, name: string): Promise<number> {
  await run(tx, sql`insert into alert_marks (name, at) values (${name}, 0) on conflict do nothing`)
  const asked = sql`select at from alert_marks where name = ${name} for update`
  const [mark] = await rowsOf(tx, Mark, asked)
  return mark?.at ?? 0
}

/** Moves a mark that `lockMark` has locked. */
export const moveMark = (tx: LedgerDb, name: string, at: number): Promise<unknown> =>
  asking(() => tx.update(alertMarks).set({ at }).where(eq(alertMarks.name, name)))

/** Everything that raises or changes alerts takes turns here. */
export const lockAlerts = (tx: LedgerDb): Promise<number> => lockMark(tx, 'alerts')

/** @returns whether it is new; what is known already stays as it is. */
export async function insertAlert(
  tx: LedgerDb,
  finding: Finding,
  state: 'open' | 'passed-over',
  nowMs: number,
): Promise<AlertRow | undefined> {
  const { facts, ...known } = finding
  const row = {
    ...known,
    id: alertId(finding),
    facts,
    state,
    ...{ raisedAtMs: nowMs, stateAtMs: nowMs, stateBy: BURSAR, why: '', notices: 0 },
  }
  const [made] = await asking(() => tx.insert(alerts).values(row).onConflictDoNothing().returning())
  if (made) await note(tx, made.id, { what: state, by: BURSAR, why: '', atMs: nowMs })
  return made
}

/** Writes into the history of an alert. */
export const note = (tx: LedgerDb, alert: string, change: Change): Promise<unknown> =>
  asking(() => tx.insert(alertHistory).values({ alert, ...change }))

/** Moves an alert into a state, and writes down who did it and why. */
export async function enterState(
  tx: LedgerDb,
  alert: string,
  state: AlertState,
  change: Change & { readonly silencedUntilMs?: number },
): Promise<AlertRow | undefined> {
  const { by, why, atMs, silencedUntilMs = null, what } = change
  const set = { state, stateAtMs: atMs, stateBy: by, why, silencedUntilMs }
  const [row] = await asking(() =>
    tx.update(alerts).set(set).where(eq(alerts.id, alert)).returning(),
  )
  if (row) await note(tx, alert, { what, by, why, atMs })
  return row
}

/** The same rule, scope and window, another threshold. */
export const siblings = (
  tx: LedgerDb,
  { rule, scope, window, threshold }: Finding,
  which: 'higher' | 'lower',
): Promise<AlertRow[]> =>
  asking(() =>
    tx
      .select()
      .from(alerts)
      .where(
        and(
          ...[eq(alerts.rule, rule), eq(alerts.scope, scope), eq(alerts.window, window)],
          which === 'higher' ? gt(alerts.threshold, threshold) : lt(alerts.threshold, threshold),
        ),
      ),
  )

/** Everything that is not over. */
export const liveAlerts = (db: LedgerDb): Promise<AlertRow[]> =>
  asking(() =>
    db
      .select()
      .from(alerts)
      .where(inArray(alerts.state, ['open', 'acknowledged', 'silenced']))
      .orderBy(alerts.raisedAtMs, alerts.id),
  )

/** @returns undefined when nobody raised it. */
export async function findAlert(db: LedgerDb, id: string): Promise<AlertRow | undefined> {
  const [row] = await asking(() => db.select().from(alerts).where(eq(alerts.id, id)))
  return row
}

/** Replaces what was found last, and since when its cause is gone. */
export const saw = (
  tx: LedgerDb,
  id: string,
  { facts, clearSinceMs }: { readonly facts?: AlertFacts; readonly clearSinceMs: number | null },
): Promise<unknown> =>
  asking(() =>
    tx
      .update(alerts)
      .set({ clearSinceMs, ...(facts ? { facts } : {}) })
      .where(eq(alerts.id, id)),
  )
