import { defineConfig } from 'tsdown'
import { whereSourcesStand } from './scripts/where-sources-stand.ts'

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

/** What is run or imported by its path; everything else is in chunks that those share. */
const ENTRIES = [
  'src/cli/main.ts',
  ...['index', 'http/index', 'cache/index', 'react/index', 'ai-sdk/index'].map(
    (name) => `src/client/${name}.ts`,
  ),
  'src/middleware/index.ts',
  'sandbox/main.ts',
  // What `scripts/build-template.mjs` asks for.
  ...['database', 'template-cache'].map((name) => `src/embedded/${name}.ts`),
]

// The package's types are some of ours: after them, TypeScript has read it all, and takes half the time.
let typesBuilt = () => {}
const typesAreBuilt = new Promise<void>((resolve) => {
  typesBuilt = resolve
})

/**
 * Chunks, because Node takes half a millisecond to find and read a module, and there are a thousand. A module finds the
 * files beside it as if it still stood where its source does.
 */
export default defineConfig([
  {
    ...common,
    entry: Object.fromEntries(ENTRIES.map((path) => [path.replace(/\.ts$/, ''), path])),
    root: '.',
    sourcemap: true,
    dts: false,
    // The template is named after what it is made from: an old one is only left out.
    clean: ['dist/*', '!dist/types', '!dist/template'],
    copy: copied('dist'),
    plugins: [whereSourcesStand()],
    outputOptions: { chunkFileNames: 'chunks/[name]-[hash].js' },
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
    plugins: [{ name: 'types-are-built', buildEnd: () => typesBuilt() }],
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
    plugins: [{ name: 'after-types', buildStart: () => typesAreBuilt }],
  },
])
