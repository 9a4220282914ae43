import { ADMIN_COMMANDS } from '../../admin/commands.ts'
import type { RouteDoc } from './route-doc.ts'

/** The routes of operators' commands: `POST /v1/admin/<name>`. */
export const COMMAND_ROUTES: readonly RouteDoc[] = ADMIN_COMMANDS.map(
  ({ name, role, summary, input, output }) => ({
    method: 'POST',
    path: `/v1/admin/${name}`,
    tag: 'Operators',
    access: role,
    summary,
    body: input,
    answers: { 200: { says: 'The answer.', body: output } },
  }),
)
