import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { compileLate } from './test/helpers/child-env.ts'
import { keepTmpInMemory } from './test/helpers/tmp-in-memory.ts'

keepTmpInMemory()
compileLate()

/** Tests that need nothing but Node. */
const UNIT = [
  'test/unit/**/*.test.ts',
  'test/property/**/*.unit.test.ts',
  'test/types/**/*.{test,test-d}.ts',
]
/** Tests of what only the embedded mode does. */
const IN_ONE_PROCESS = ['test/fault/embedded-points.test.ts']
/** `BURSAR_TEST_SERVICES=0` leaves out every test that needs Redis or PostgreSQL. */
const withServices = process.env.BURSAR_TEST_SERVICES !== '0'

const shared = {
  environment: 'node',
  // Files share nothing but modules, and loading those anew for each takes a third of the time.
  isolate: false,
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const

/**
 * Whoever chooses none runs all: then what needs no servers is run by processes that others have started and loaded. A
 * chosen unit test starts nothing.
 */
const all = process.argv.slice(2).every((word) => word === 'run' || word.startsWith('-'))

const unit = { test: { ...shared, name: 'unit', include: UNIT } }
const services = {
  test: {
    ...shared,
    name: 'services',
    include: ['test/**/*.test.ts', 'test/types/**/*.test-d.ts'],
    exclude: [...(all ? [] : UNIT), ...IN_ONE_PROCESS, 'node_modules/**'],
    // Runs only when a file of this project was chosen, so a single unit test starts nothing.
    globalSetup: ['test/helpers/global-setup.ts'],
  },
}

/** The same tests once more, with everything in one process: what uses the rig and no server of its own. */
const embedded = {
  test: {
    ...shared,
    name: 'embedded',
    include: [
      ...[
        'admin-places',
        'budgets',
        'cli-cache',
        'client',
        'fairness',
        'gateway-auth',
        'gateway-client',
        'gateway-docs',
        'gateway-faults',
        'gateway-keys',
        'gateway-limits',
        'gateway-routes',
        'joining',
        'limits',
        'model-budgets',
        'queue',
        'queue-poison',
        'runways',
        'topups',
        'webhooks',
        'worker-bookings',
        'worker-roles',
        'worker-unreachable',
      ].map((name) => `test/integration/${name}.test.ts`),
      'test/e2e/openai-sdk.test.ts',
      'test/e2e/replay.test.ts',
      ...IN_ONE_PROCESS,
    ],
    env: { BURSAR_RIG: 'embedded' },
  },
}

export default defineConfig({
  test: {
    // One more than the cores of a small machine: a third of what the services test is waiting.
    maxWorkers: Math.max(3, availableParallelism()),
    passWithNoTests: true,
    projects: withServices ? [...(all ? [] : [unit]), services, embedded] : [unit],
  },
})
