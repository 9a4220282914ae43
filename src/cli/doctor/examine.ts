import { type Options, readOptions } from '../../config/options.ts'
import { isBursarError } from '../../errors.ts'
import { examineDurability } from './durability.ts'
import { type Finding, ok, skipped, wrong } from './finding.ts'
import { examineLedger } from './ledger.ts'
import { checkDisk, judgeNode } from './machine.ts'
import { examinePolicy } from './policy.ts'
import { examineProviders } from './provider.ts'
import { examineRedis } from './redis.ts'
import { examineSlot } from './slot.ts'
import { validate } from './validate.ts'

export interface Examination {
  /** Absent when the environment could not be read. */
  readonly options?: Options
  readonly findings: readonly Finding[]
}

export interface ExaminationSettings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Also run the live checks. */
  readonly live: boolean
}

/** Looks at everything that a worker needs, stores side by side. Changes nothing but a throw-away prefix in Redis. */
export async function examine({ env, live }: ExaminationSettings): Promise<Examination> {
  const node = judgeNode(process.versions.node)
  try {
    const options = readOptions(env)
    const found = await examineParts(options, { env, live })
    return { options, findings: [node, ok('options', 'readable'), ...found] }
  } catch (error) {
    if (!isBursarError(error, 'INVALID_OPTIONS')) throw error
    return { findings: [node, ...optionMistakes(error.detail.problems, error.message)] }
  }
}

function optionMistakes(problems: unknown, message: string): Finding[] {
  if (!Array.isArray(problems)) return [wrong('options', message, '')]
  return problems.map((problem) => {
    const [name = '', mend = ''] = String(problem).split(/: (.*)/s)
    return wrong('options', `${name} cannot be read`, mend)
  })
}

async function examineParts(options: Options, settings: ExaminationSettings): Promise<Finding[]> {
  const [disk, policy, redis, ledger] = await Promise.all([
    checkDisk(options.BURSAR_DATA),
    examinePolicy(options, settings.env),
    examineRedis(options),
    examineLedger(options),
  ])
  try {
    return [
      disk,
      ...policy.findings,
      ...redis.findings,
      ...ledger.findings,
      await examineSlot(options, redis.redis, ledger.ledger),
      policy.policy
        ? await examineDurability(policy.policy, options)
        : skipped('durability', 'see policy'),
      ...(policy.policy
        ? await examineProviders(policy.policy, options)
        : [skipped('providers', 'see policy')]),
      ...(settings.live ? await liveFindings(redis.redis) : []),
    ]
  } finally {
    redis.redis?.disconnect()
    await ledger.ledger?.close()
  }
}

const liveFindings = async (
  redis: Parameters<typeof validate>[0] | undefined,
): Promise<Finding[]> => (redis ? validate(redis) : [skipped('live checks', 'see redis')])
