import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { alertsTest, sampleMessage, type Trial, trialOf } from '../../admin/alerts/test.ts'
import { alertsDeliveries, type DeliveryList } from '../../admin/alerts.ts'
import { filesOf, type Written } from '../../alerts/channels/files.ts'
import type { Severity } from '../../config/alert-types.ts'
import { readOptions } from '../../config/options.ts'
import { isBursarError } from '../../errors.ts'
import type { CliContext } from '../command.ts'
import { ask } from '../place.ts'
import { showDeliveries } from './show.ts'

export interface TestFlags {
  readonly channel?: string
  readonly severity: Severity
  readonly json: boolean
}

/** How long a person waits to see a message go out. */
const LOOKS = 10
const LOOK_EVERY_MS = 1_000

/**
 * Sends a message that means nothing and shows it: the files, the text, and what became of it in each channel. Where
 * nothing runs yet, it is shown all the same.
 */
export async function tryAlerts(
  { json, ...wanted }: TestFlags,
  context: CliContext,
): Promise<void> {
  const trial = await trialFor(wanted, context)
  const files = await writeTrial(trial, readOptions(context.env).BURSAR_DATA)
  const sent = await watchDeliveries(trial, context)
  const { output } = context
  if (json) {
    output.json({ ...trial, files, deliveries: sent.deliveries })
    return
  }
  output.line(output.paint('bold', trial.subject))
  output.line()
  output.line(trial.text)
  output.line('The e-mail, for a browser and for a mail program:')
  output.line(`  ${files.page}`)
  output.line(`  ${files.mail}`)
  output.line('What Slack gets; paste it into app.slack.com/block-kit-builder to see it:')
  output.line(`  ${files.slack}`)
  output.line()
  if (trial.channels.length > 0) {
    showDeliveries(sent, output)
    if (sent.deliveries.some(({ state }) => state === 'waiting')) output.line(WAITING)
  } else
    output.line('The policy names no channel yet: add one under alerts.channels of bursar.yaml.')
}

const WAITING =
  'Not all is sent yet: a process with the role alerts sends it (bursar start --roles alerts); bursar alerts deliveries shows how it goes.'

async function trialFor(wanted: Omit<TestFlags, 'json'>, context: CliContext): Promise<Trial> {
  try {
    return await ask(alertsTest, wanted, context)
  } catch (error) {
    // Nobody has started anything here: that is when people want to see it.
    const isNowhere = isBursarError(error, 'INVALID_OPTIONS') && 'folder' in error.detail
    if (!isNowhere || wanted.channel !== undefined) throw error
    return trialOf(await sampleMessage(wanted.severity), [])
  }
}

async function writeTrial({ id, mail, page, slack }: Trial, data: string): Promise<Written> {
  const folder = join(resolve(data), 'alerts')
  await mkdir(folder, { recursive: true })
  const files = filesOf(join(folder, id))
  await writeFile(files.mail, Buffer.from(mail, 'base64'))
  await writeFile(files.page, page)
  await writeFile(files.slack, `${slack}\n`)
  return files
}

/** Until every channel has it, or a person has waited long enough. */
async function watchDeliveries(trial: Trial, context: CliContext): Promise<DeliveryList> {
  if (trial.channels.length === 0) return { deliveries: [] }
  for (let look = 1; ; look++) {
    const found = await ask(alertsDeliveries, { message: trial.id }, context)
    const isWaiting = found.deliveries.some(({ state }) => state === 'waiting')
    if (!isWaiting || look === LOOKS || context.signal.aborted) return found
    await pause(LOOK_EVERY_MS)
  }
}
