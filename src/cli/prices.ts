import type { CliContext, Registration } from './command.ts'
import { instant } from './time-flags.ts'

interface ShowFlags {
  readonly provider?: string
  readonly at?: number
  readonly json: boolean
}
interface FromFlags {
  readonly bundled: boolean
  readonly url?: string
  readonly effective?: number
  readonly json: boolean
}
interface ImportFlags extends FromFlags {
  readonly yes: boolean
}

const load = () =>
  Promise.all([
    import('../admin/prices/prices.ts'),
    import('./place.ts'),
    import('./prices/show.ts'),
  ])

/** `bursar prices`: what models cost, since when, and from whom that is known. */
export const prices: Registration = (program, context) => {
  const group = program.command('prices').description('show, compare and import price lists')

  group
    .command('list')
    .description('list the price lists that were imported, newest first')
    .option('--json', 'print one JSON object', false)
    .action((flags: { readonly json: boolean }) => list(flags, context))

  group
    .command('show <model>')
    .description('show what a model costs')
    .option('--provider <name>', 'when the name does not say')
    .option('--at <time>', 'at another time than now, e.g. 2026-10-01', instant)
    .option('--json', 'print one JSON object', false)
    .action((model: string, flags: ShowFlags) => show(model, flags, context))

  group
    .command('diff [file]')
    .description('compare a price list with the one in force')
    .option('--bundled', 'the one that came with this version of Bursar', false)
    .option('--url <address>', 'one from the web, in the form of genai-prices')
    .option('--effective <time>', 'as if it held from then on', instant)
    .option('--json', 'print one JSON object', false)
    .action((file: string | undefined, flags: FromFlags) => diff(file, flags, context))

  group
    .command('import [file]')
    .description('put a price list in force: a file, the one that came along, or one from the web')
    .option('--bundled', 'the one that came with this version of Bursar', false)
    .option('--url <address>', 'one from the web, in the form of genai-prices')
    .option('--effective <time>', 'it holds from then on; without it, from now on', instant)
    .option('--yes', 'also when it changes what is paid for models that are called', false)
    .option('--json', 'print one JSON object', false)
    .action((file: string | undefined, flags: ImportFlags) => importList(file, flags, context))
}

async function list({ json }: { readonly json: boolean }, context: CliContext) {
  const [{ pricesList }, { ask }, { showLists }] = await load()
  const found = await ask(pricesList, {}, context)
  if (json) context.output.json(found)
  else showLists(found, context.output)
}

async function show(model: string, { provider, at, json }: ShowFlags, context: CliContext) {
  const [{ pricesShow }, { ask }, { showPrice }] = await load()
  const named = provider === undefined ? {} : { provider }
  const when = at === undefined ? {} : { atMs: at }
  const found = await ask(pricesShow, { model, ...named, ...when }, context)
  if (json) context.output.json(found)
  else showPrice(found, context.output)
}

async function diff(file: string | undefined, flags: FromFlags, context: CliContext) {
  const [{ pricesDiff }, { ask }, { showDiff }] = await load()
  const found = await ask(pricesDiff, await wantedList(file, flags), context)
  if (flags.json) context.output.json(found)
  else showDiff(found, context.output)
}

async function importList(file: string | undefined, flags: ImportFlags, context: CliContext) {
  const [{ pricesImport }, { ask }, { showImported }] = await load()
  const wanted = { ...(await wantedList(file, flags)), yes: flags.yes }
  const imported = await ask(pricesImport, wanted, context)
  if (flags.json) context.output.json(imported)
  else showImported(imported, context.output)
}

async function wantedList(file: string | undefined, { bundled, url, effective }: FromFlags) {
  const { readPriceFile, fetchPriceList } = await import('./prices/read-list.ts')
  const given = [file, url, bundled || undefined].filter((one) => one !== undefined)
  if (given.length !== 1) {
    const { BursarError } = await import('../errors.ts')
    throw new BursarError('INVALID_ARGUMENT', 'name one list: a file, --bundled or --url')
  }
  const when = effective === undefined ? {} : { effectiveFromMs: effective }
  if (bundled) return { from: { bundled }, ...when }
  const from = file === undefined ? await fetchPriceList(url ?? '') : await readPriceFile(file)
  return { from, ...when }
}
