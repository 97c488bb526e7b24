import { globSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { compiler } from './compiler.ts';
import { root } from './ensureBuilt.ts';
import type { Item } from './lanes.ts';

/** One process: a check, or some of the tests of a step. */
export type Job = Item & {
  readonly command: readonly string[];
};

/** A step either is one check (passed when it exits 0), or prints how many of its tests passed. */
export type Step = {
  readonly name: string;
  readonly kind: 'check' | 'tests';
  readonly jobs: readonly Job[];
  /** A check that must fail with this text: proves that the check can fail at all. */
  readonly mustFailWith?: RegExp;
  /** Its tests start `notarium` in processes of their own, which run from a build. */
  readonly needsBuild?: true;
  /** What a passing check must have said: a layer check that saw no module has checked nothing. */
  readonly mustSay?: RegExp;
};

const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const script = (file: string, ...args: string[]): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(root, 'scripts', file),
  ...args,
];
const cruise = (...places: string[]): string[] => [
  bin('depcruise'),
  '--config',
  '.dependency-cruiser.cjs',
  '--output-type',
  'err',
  ...places,
];

// Hardhat writes the types of the contracts anew whatever it does; the compiler must not read half a file.
const generatedTypes = 'generated types';

/** Compiles the contracts that only tests use, while others run already that need none of them. */
const testContracts = 'contracts of the tests';
/** Jobs of Mocha that deploy some of them. */
const useTestContracts = new Set(['test/services/chain', 'test/services/app/governance', 'test/services/lib']);

/** Groups of so many files that one process would take most of the whole run, and more than its limit on a machine that is slow at the moment. */
const processesOf: Readonly<Record<string, number>> = { 'test/services/app/activities': 2 };

/**
 * Begun first, in this order: a long job that began last would leave the other lanes idle in the end. What is not named here
 * begins after these, in the order of the steps.
 */
const longest = [
  testContracts,
  'test/services/app/activities',
  'test/e2e/channelKills',
  'test/e2e/faults',
  'test/e2e/maliciousCentre',
  'test/e2e/maliciousProposer',
  'test/services/store',
  'test/e2e/join.test',
  'test/e2e/crash',
  'test/services/app/resources',
  'test/services/app/governance',
  'test/e2e/start.test',
  'test/services/app/channels',
  'test/e2e/forkedLog',
  'test/services/app/admission',
  'test/services/net',
  'test/e2e/package',
  'test/services/core',
  'test/services/http',
  'test/services/lib',
  'test/e2e/channelStreams',
  'test/e2e/startMany',
  'test/services/chain',
  'test/e2e/manyCentres',
  'test/e2e/hiddenAnchor',
  'test/e2e/channelEndings',
  'test/e2e/proposals',
  'test/services/cli',
];

function check(name: string, command: readonly string[], more: Pick<Step, 'mustFailWith' | 'mustSay'> = {}): Step {
  return { name, kind: 'check', jobs: [{ name, command }], ...more };
}

function withTypes(step: Step): Step {
  return { ...step, jobs: step.jobs.map((job) => ({ ...job, holds: generatedTypes, after: testContracts })) };
}

/** A mocha process for each group of test files, or several for a large one; `groupOf` gets a path from the root. */
function mocha(name: string, folder: string, groupOf: (file: string) => string): Step {
  const files = globSync(`${folder}/**/*.test.ts`, { cwd: root }).map((file) => file.split(sep).join('/'));
  const groups = Map.groupBy(files.sort(), groupOf);
  const command = [bin('mocha'), '--reporter', join(root, 'test', 'support', 'fileTimes.ts')];
  return {
    name,
    kind: 'tests',
    jobs: [...groups].flatMap(([group, some]) => {
      const count = processesOf[group] ?? 1;
      return Array.from({ length: count }, (_, part) => ({
        name: count === 1 ? group : `${group} (${part + 1} of ${count})`,
        command: [...command, ...some.filter((_file, index) => index % count === part)],
        ...(useTestContracts.has(group) && { after: testContracts }),
      }));
    }),
  };
}

/** The folder below test/services in which a file stands, however deep; of the greatest one, the folder below that. */
const topFolder = (file: string): string => {
  const [area, part] = relative('test/services', dirname(file)).split(sep);
  return `test/services/${area}${area === 'app' && part !== undefined ? `/${part}` : ''}`;
};

/** Every check and every test of the project, in the order of the summary. */
export const steps: readonly Step[] = [
  check(testContracts, script('build-test-contracts.ts')),
  withTypes(check('types', [process.execPath, compiler, '--noEmit', '-p', '.'])),
  check('lint', [bin('biome'), 'ci', '.']),
  check('lint of contracts', [bin('solhint'), '--max-warnings', '0', 'contracts/**/*.sol']),
  check('format of contracts', [bin('prettier'), '--check', 'contracts/**/*.sol']),
  check('layers', cruise('services'), { mustSay: /\(\d{2,} modules/ }),
  check('canary of the layers', cruise('test/layers/canary'), { mustFailWith: /core-imports-nothing-above/ }),
  check('dead code', [bin('knip')]),
  check('generated: SHA-256 module', script('generate-sha256-simd.ts', '--check')),
  check('generated: SHA-256 chain', script('generate-sha256-chain.ts', '--check')),
  check('generated: contract ABI', script('contract-abi.ts', '--check')),
  check('generated: OpenAPI', script('openapi.ts', '--check')),
  check('generated: error table', script('error-table.ts', '--check')),
  withTypes(check('generated: gas table', script('gas-table.ts', '--check'))),
  ...['solidity', 'mocha'].map((kind) => {
    const name = `contracts, ${kind === 'mocha' ? 'TypeScript' : 'Solidity'} tests`;
    return withTypes({ name, kind: 'tests', jobs: [{ name, command: [bin('hardhat'), 'test', kind] }] });
  }),
  mocha('scripts', 'test/scripts', () => 'test/scripts'),
  { ...mocha('services', 'test/services', topFolder), needsBuild: true },
  mocha('browser', 'test/browser', (file) => file),
  { ...mocha('end to end', 'test/e2e', (file) => file), needsBuild: true },
];

/** Where a job stands in the queue: the long ones first. */
export function rankOf({ name }: Job): number {
  const rank = longest.findIndex((start) => name.startsWith(start));
  return rank === -1 ? longest.length : rank;
}
