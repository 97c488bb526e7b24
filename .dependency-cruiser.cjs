// Who may import whom (docs/architecture.md):
//   core <- lib <- { store | chain | net } <- app <- { http | cli } <- main
// `prefix` lets the same rules run over the canary, a small tree that breaks one of them on purpose.
const prefix = '(?:services|test/layers/canary)';
const layer = (...names) => `^${prefix}/(?:${names.join('|')})/`;

/** @param {string[]} from @param {string[]} notTo */
const never = (name, from, notTo) => ({
  name,
  severity: 'error',
  from: { path: layer(...from) },
  to: { path: notTo.map((target) => (target === 'main' ? `^${prefix}/main(?:\\.ts|/)` : layer(target))) },
});

module.exports = {
  forbidden: [
    never('core-imports-nothing-above', ['core'], ['lib', 'store', 'chain', 'net', 'app', 'http', 'cli', 'main']),
    never('lib-imports-core-only', ['lib'], ['store', 'chain', 'net', 'app', 'http', 'cli', 'main']),
    never('store-stands-alone', ['store'], ['chain', 'net', 'app', 'http', 'cli', 'main']),
    never('chain-stands-alone', ['chain'], ['store', 'net', 'app', 'http', 'cli', 'main']),
    never('net-stands-alone', ['net'], ['store', 'chain', 'app', 'http', 'cli', 'main']),
    never('app-knows-no-edge', ['app'], ['http', 'cli', 'main']),
    never('http-stands-alone', ['http'], ['cli', 'main', 'store', 'chain', 'net']),
    never('cli-stands-alone', ['cli'], ['http', 'main', 'store', 'chain', 'net']),
    {
      name: 'core-runs-in-a-browser',
      comment: 'core is pure: no I/O, no clock, no environment, no module of Node',
      severity: 'error',
      from: { path: layer('core') },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-needs-few-packages',
      severity: 'error',
      from: { path: layer('core') },
      to: {
        dependencyTypes: ['npm'],
        pathNot: '(?:^|/)node_modules/(?:zod|canonicalize|fast-json-patch|@noble/(?:hashes|curves))/',
      },
    },
    {
      name: 'library-needs-no-server',
      comment: 'who imports the package gets clients, not the HTTP server, the command line or the network of centres',
      severity: 'error',
      from: { path: '^services/index\\.ts$' },
      to: { path: layer('http', 'cli', 'net'), reachable: true },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'services-import-no-tests',
      severity: 'error',
      from: { path: '^services/' },
      to: { path: '^(?:test|scripts|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
