/**
 * The arrows of the architecture. A room may import what stands below it and its neighbours, never what stands above;
 * `runtime.ts` alone knows everyone, and only the edges know it.
 *
 *   workers jobs gateway cli -> queue provider ledger alerts access client -> admission cache pricing insight
 *                            -> config money errors telemetry collections
 */
const rooms = {
  ground: 'src/(errors\\.ts|collections/|money/|config/|telemetry/)',
  core: 'src/(admission|cache|pricing|insight)/',
  parts:
    'src/(queue|provider|ledger|embedded|alerts|access|client|outage|slot|schedule|middleware)/',
  edges: '(workers|jobs)/|src/(cli|gateway|admin)/|src/runtime(\\.ts|/)',
}
const at = (...paths) => `^(${paths.join('|')})`

/** Shapes without code that a lower room may name. */
const CONTRACTS = '^src/(provider|pricing)/types\\.ts$'

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid(
      'no-cycles',
      'A cycle has no reading order: move what both need below them.',
      {},
      {
        circular: true,
      },
    ),
    forbid(
      'ground-is-lowest',
      'errors, collections, money, config and telemetry import no other room.',
      { path: at(rooms.ground) },
      { path: at(rooms.core, rooms.parts, rooms.edges, 'sandbox/'), pathNot: CONTRACTS },
    ),
    forbid(
      'core-knows-no-parts',
      'admission, cache, pricing and insight decide; they reach no queue, provider or ledger.',
      { path: at(rooms.core) },
      { path: at(rooms.parts, rooms.edges, 'sandbox/'), pathNot: CONTRACTS },
    ),
    forbid(
      'embedded-is-a-database',
      'The embedded database knows what lies in it, not who decides or queues.',
      { path: at('src/embedded/') },
      { path: at(rooms.core, 'src/(queue|provider|alerts|access|client)/') },
    ),
    forbid(
      'parts-know-no-edges',
      'queue, provider, ledger, alerts, access and client are wired by the edges, not the reverse.',
      { path: at(rooms.parts) },
      { path: at(rooms.edges, 'sandbox/') },
    ),
    forbid(
      'admin-is-asked-anywhere',
      'A command of operators looks at its place alone: it knows no command line, no gateway and no runtime.',
      { path: '^src/admin/' },
      { path: '^src/(cli|gateway)/|^src/runtime(\\.ts|/)' },
    ),
    forbid(
      'runtime-is-for-edges',
      'Only workers, jobs, the gateway and the command line may ask for the wired parts.',
      { path: '^src/', pathNot: '^src/(cli|gateway)/|^src/runtime(\\.ts|/)' },
      { path: '^src/runtime(\\.ts|/)' },
    ),
    forbid(
      'sandbox-is-independent',
      'The judge shares no code with what it judges.',
      { path: '^sandbox/' },
      { path: '^(src|workers|jobs)/' },
    ),
    forbid(
      'sandbox-is-started-at-the-edge',
      'Product code never reads the judge; runtime.ts and the command line start it.',
      { path: '^(src|workers|jobs)/', pathNot: '^src/(runtime\\.ts|cli/)' },
      { path: '^sandbox/' },
    ),
    forbid(
      'no-test-code',
      'What ships imports nothing of the tests, benches and scripts.',
      { path: '^(src|workers|jobs|sandbox)/' },
      { path: '^(test|bench|scripts)/' },
    ),
    forbid('resolvable', 'Every import leads somewhere.', {}, { couldNotResolve: true }),
    forbid(
      'no-dev-dependencies',
      'What ships uses dependencies that are installed with it.',
      { path: '^(src|workers|jobs|sandbox)/' },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        // A peer is installed by whoever imports the part that needs it.
        dependencyTypesNot: ['type-only', 'npm-peer'],
      },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
}
