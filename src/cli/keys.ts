import type { KeyRole } from '../access/roles.ts'
import type { CliContext, Registration } from './command.ts'
import { duration, durationSeconds, names, role } from './keys/flags.ts'

interface CreateFlags {
  readonly tenant?: string
  readonly user?: string
  readonly tier?: string
  readonly models?: string[]
  readonly budgets?: string[]
  readonly role: KeyRole
  readonly name: string
  readonly expires?: number
  readonly json: boolean
}

const load = () =>
  Promise.all([import('../admin/keys.ts'), import('./place.ts'), import('./keys/show.ts')])

/** `bursar keys`: who may ask the gateway for what. A secret is printed once, when it is made. */
export const keys: Registration = (program, context) => {
  const group = program.command('keys').description('make, list, rotate and revoke API keys')

  group
    .command('create')
    .description('make an API key; it is shown once')
    .option('--tenant <name>', 'whose money it spends (role app)')
    .option('--user <name>', 'the only user it speaks for')
    .option('--tier <name>', 'the only tier of its requests')
    .option('--models <list>', 'the only models that may answer, with commas', names)
    .option('--budgets <list>', 'budgets in which each of its requests is counted', names)
    .option('--role <role>', 'app sends requests; viewer, finance, admin ask', role, 'app')
    .option('--name <text>', 'what people know it by', 'unnamed')
    .option(
      '--expires <time>',
      'how long it opens, e.g. 90d; without it, until it is revoked',
      duration,
    )
    .option('--json', 'print one JSON object', false)
    .action((flags: CreateFlags) => create(flags, context))

  group
    .command('list')
    .description('list the API keys that open, newest first; never a secret')
    .option('--tenant <name>', 'those of one tenant')
    .option('--all', 'those that expired or were revoked too', false)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) => list(flags, context))

  group
    .command('rotate <id>')
    .description('give a key a new secret, shown once; the one before opens a while longer')
    .option('--grace <time>', 'how long it does, e.g. 24h; 0 = not at all', durationSeconds, 86_400)
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: RotateFlags) => rotate(id, flags, context))

  group
    .command('revoke <id>')
    .description('end a key for good, everywhere within a second')
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: { readonly json: boolean }) => revoke(id, flags, context))
}

async function create({ expires, json, ...wanted }: CreateFlags, context: CliContext) {
  const [{ keysCreate }, { ask }, { showIssued }] = await load()
  const life = expires === undefined ? {} : { expiresInMs: expires }
  const issued = await ask(keysCreate, { ...wanted, ...life }, context)
  if (json) context.output.json(issued)
  else showIssued(issued, context.output)
}

interface ListFlags {
  readonly tenant?: string
  readonly all: boolean
  readonly json: boolean
}

async function list({ json, ...wanted }: ListFlags, context: CliContext) {
  const [{ keysList }, { ask }, { showKeys }] = await load()
  const found = await ask(keysList, wanted, context)
  if (json) context.output.json(found)
  else showKeys(found, context.output)
}

interface RotateFlags {
  readonly grace: number
  readonly json: boolean
}

async function rotate(id: string, { grace, json }: RotateFlags, context: CliContext) {
  const [{ keysRotate }, { ask }, { showIssued }] = await load()
  const issued = await ask(keysRotate, { id, graceSeconds: grace }, context)
  if (json) context.output.json(issued)
  else showIssued(issued, context.output)
}

async function revoke(id: string, { json }: { readonly json: boolean }, context: CliContext) {
  const [{ keysRevoke }, { ask }, { showRevoked }] = await load()
  const revoked = await ask(keysRevoke, { id }, context)
  if (json) context.output.json(revoked)
  else showRevoked(revoked, context.output)
}
