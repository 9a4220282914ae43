import { defineConfig } from 'tsdown'

export const rooms = ['src', 'workers', 'jobs', 'sandbox']
export const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  outDir: 'dist',
  fixedExtension: false,
  hash: false,
  report: false,
  logLevel: 'warn',
  checks: { pluginTimings: false },
} as const

/** Files that the code reads beside itself. `to` takes the place of the first folder. */
export const copied = (outDir: string) =>
  ['src/**/*.lua', 'src/ledger/migrations/**/*'].map((from) => ({
    from,
    to: `${outDir}/src`,
    flatten: false,
  }))

/**
 * One output file per source file, in the same tree: `new URL('./admit.lua', import.meta.url)` and the migrations
 * folder mean the same in `dist/` as in the sources. Types are emitted for the public edges alone.
 */
export default defineConfig([
  {
    ...common,
    entry: rooms.map((room) => `${room}/**/*.{ts,tsx}`),
    root: '.',
    unbundle: true,
    sourcemap: true,
    dts: false,
    // Every export is kept: tests and benches reach into dist for what the command line does not call.
    treeshake: false,
    // The template is named after what it is made from: an old one is only left out.
    clean: ['dist/*', '!dist/types', '!dist/template'],
    copy: copied('dist'),
  },
  {
    ...common,
    entry: {
      client: 'src/client/index.ts',
      'client-http': 'src/client/http/index.ts',
      cache: 'src/client/cache/index.ts',
      middleware: 'src/middleware/index.ts',
      react: 'src/client/react/index.ts',
      'ai-sdk': 'src/client/ai-sdk/index.ts',
    },
    // A folder of its own: the two builds run side by side and each cleans what it owns.
    outDir: 'dist/types',
    dts: { emitDtsOnly: true },
  },
  {
    ...common,
    // `@bursar/client`: the client over HTTP without dependencies, and beside it hooks for React and a provider for the AI
    // SDK, which are peers. Types of the provider's answers come from `openai` where that is installed.
    entry: {
      index: 'src/client/http/index.ts',
      react: 'src/client/react/index.ts',
      'ai-sdk': 'src/client/ai-sdk/index.ts',
    },
    outDir: 'packages/client/dist',
    deps: { alwaysBundle: [/^zod/], onlyBundle: false },
    dts: true,
  },
])
