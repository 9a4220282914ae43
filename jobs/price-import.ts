import { importPrices } from '../src/admin/prices/prices.ts'
import { isBursarError } from '../src/errors.ts'
import { fetchList } from '../src/pricing/fetch-list.ts'
import type { TickedJob } from './runner.ts'

/** Off until PRICE_LIST_URL is set. What would change a price in use waits for a person. */
export const priceImport: TickedJob = {
  name: 'price-import',
  about: 'import the price list at PRICE_LIST_URL, unless it changes a price in use',
  schedule: '40 5 * * 1',
  missed: 'latest',
  limitMs: 300_000,
  async run({ options, ledger, logger }, { signal }) {
    const url = options.PRICE_LIST_URL
    if (!url) return undefined
    const list = await fetchList(url, signal)
    try {
      const { imported, diff } = await importPrices(
        { ledger: async () => ledger },
        { list, source: url },
      )
      return imported ? { imported: imported.number, changes: diff.changes.length } : undefined
    } catch (error) {
      if (!isBursarError(error, 'PRICES_IN_USE')) throw error
      logger.warn({ job: 'price-import', models: error.detail.models }, error.message)
      return { waits: error.detail.models }
    }
  },
}
