import type { Registration } from './command.ts'
import { doctor } from './doctor.ts'
import { migrate } from './migrate.ts'
import { sandbox } from './sandbox.ts'

/** Every command of `bursar`, in the order of its help. A new command is one file and one line here. */
export const COMMANDS: readonly Registration[] = [migrate, doctor, sandbox]
