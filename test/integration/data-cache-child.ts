import { createCache } from '../../src/client/cache/index.ts'

/** Uses the cache, forgets to close it, and must end all the same. */
const cache = createCache({ logger: { info: () => {}, warn: () => {} } })
process.stdout.write(`${await cache.wrap('search', 'k', () => 'kept')}\n`)
