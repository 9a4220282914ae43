import { z } from 'zod'
import { isBursarError } from '../../errors.ts'
import type { AdminCommand } from '../command.ts'
import { readYaml, YamlSchema } from './read-policy.ts'

const ValidateSchema = z.strictObject({ yaml: YamlSchema })

const ProblemSchema = z.object({
  ...{ line: z.int(), column: z.int() },
  /** e.g. `tiers.basic.budget`; '' = the whole file. */
  path: z.string(),
  /** What is wrong, and what to write instead. */
  message: z.string(),
})
const JudgedSchema = z.object({
  ok: z.boolean(),
  problems: z.array(ProblemSchema),
  /** What was left out, and why. */
  warnings: z.array(z.string()),
})
export type JudgedPolicy = Readonly<z.infer<typeof JudgedSchema>>

/** Judges a policy, and puts nothing in force. What is wrong is an answer, not an error. */
export const policyValidate: AdminCommand<z.infer<typeof ValidateSchema>, JudgedPolicy> = {
  name: 'policy-validate',
  // A text may name any variable of this process, and mistakes are told with what they read.
  role: 'admin',
  summary:
    'Whether the text of a bursar.yaml is a policy; each mistake with its line and its mend.',
  changes: false,
  input: ValidateSchema,
  output: JudgedSchema,
  async run(place, { yaml }) {
    try {
      const { warnings = [] } = readYaml(yaml, place)
      return { ok: true, problems: [], warnings: [...warnings] }
    } catch (error) {
      if (!isBursarError(error, 'INVALID_POLICY')) throw error
      const told = z.array(ProblemSchema).safeParse(error.detail.problems)
      const whole = [{ line: 1, column: 1, path: '', message: error.message }]
      return { ok: false, problems: told.success ? told.data : whole, warnings: [] }
    }
  },
}
