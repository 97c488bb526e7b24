/**
 * Runs every check and every test of the project, one after the other, and ends with a line `N passed, N failed`.
 *
 * usage: npm test                 everything
 *        npm test -- NAME …      only the steps whose names contain one of the words (`npm test -- lint types`)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureBuilt, root } from './support/ensureBuilt.ts';

type Counts = { readonly passed: number; readonly failed: number };

/** A step either is one check (passed when it exits 0), or prints how many of its tests passed. */
type Step = {
  readonly name: string;
  readonly command: readonly string[];
  readonly kind: 'check' | 'tests';
  /** A check that must fail with this text: proves that the check can fail at all. */
  readonly mustFailWith?: RegExp;
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
const mocha = (...specs: string[]): string[] => [bin('mocha'), ...specs];

const steps: readonly Step[] = [
  { name: 'types', kind: 'check', command: [bin('tsc'), '--noEmit', '-p', '.'] },
  { name: 'lint', kind: 'check', command: [bin('biome'), 'ci', '.'] },
  { name: 'lint of contracts', kind: 'check', command: [bin('solhint'), '--max-warnings', '0', 'contracts/**/*.sol'] },
  { name: 'format of contracts', kind: 'check', command: [bin('prettier'), '--check', 'contracts/**/*.sol'] },
  { name: 'layers', kind: 'check', command: cruise('services'), mustSay: /\(\d{2,} modules/ },
  {
    name: 'canary of the layers',
    kind: 'check',
    command: cruise('test/layers/canary'),
    mustFailWith: /core-imports-nothing-above/,
  },
  { name: 'dead code', kind: 'check', command: [bin('knip')] },
  { name: 'generated: SHA-256 module', kind: 'check', command: script('generate-sha256-simd.ts', '--check') },
  { name: 'generated: contract ABI', kind: 'check', command: script('contract-abi.ts', '--check') },
  { name: 'generated: OpenAPI', kind: 'check', command: script('openapi.ts', '--check') },
  { name: 'generated: error table', kind: 'check', command: script('error-table.ts', '--check') },
  { name: 'generated: gas table', kind: 'check', command: script('gas-table.ts', '--check') },
  { name: 'contracts, Solidity tests', kind: 'tests', command: [bin('hardhat'), 'test', 'solidity'] },
  { name: 'contracts, TypeScript tests', kind: 'tests', command: [bin('hardhat'), 'test', 'mocha'] },
  { name: 'services', kind: 'tests', command: mocha('test/services/**/*.test.ts') },
  { name: 'browser', kind: 'tests', command: mocha('test/browser/**/*.test.ts') },
  { name: 'end to end', kind: 'tests', command: mocha('test/e2e/**/*.test.ts') },
];

async function run(step: Step): Promise<Counts & { readonly seconds: number }> {
  const startMs = performance.now();
  process.stdout.write(`\n=== ${step.name}\n`);
  const [program, ...args] = step.command;
  const child = spawn(program!, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // Hundreds of processes are started, each from the same sources.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
      HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    if (!step.mustFailWith) process.stdout.write(chunk);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - startMs) / 1000;
  const counts = judge(step, code, output);
  const mark = counts.failed === 0 ? '✔' : '✘';
  process.stdout.write(
    `${mark} ${step.name}: ${counts.passed} passed, ${counts.failed} failed (${seconds.toFixed(1)} s)\n`,
  );
  return { ...counts, seconds };
}

function judge(step: Step, code: number | null, output: string): Counts {
  if (step.mustFailWith) {
    const failedAsItMust = code !== 0 && step.mustFailWith.test(output);
    if (!failedAsItMust) process.stdout.write(`${output}\nthis check should have failed with ${step.mustFailWith}\n`);
    return failedAsItMust ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  }
  const saidIt = step.mustSay === undefined || step.mustSay.test(output);
  if (step.kind === 'check') return code === 0 && saidIt ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const sum = (pattern: RegExp): number =>
    [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const passed = sum(/^\s*(\d+) passing\b/gm);
  const failed = sum(/^\s*(\d+) failing\b/gm);
  // A run that tested nothing, or that ended badly without naming a failed test, has failed.
  return failed === 0 && (code !== 0 || passed === 0) ? { passed, failed: 1 } : { passed, failed };
}

const words = process.argv.slice(2);
const chosen = steps.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0)
  throw new Error(`no step is named like ${words.join(' ')}: ${steps.map(({ name }) => name).join(', ')}`);
ensureBuilt((line) => process.stdout.write(`${line}\n`));
const results: (Counts & { readonly name: string; readonly seconds: number })[] = [];
for (const step of chosen) results.push({ name: step.name, ...(await run(step)) });

process.stdout.write('\n=== summary\n');
for (const { name, passed, failed, seconds } of results) {
  process.stdout.write(
    `${failed === 0 ? '✔' : '✘'} ${name.padEnd(32)} ${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed ${seconds.toFixed(1).padStart(7)} s\n`,
  );
}
const total = (field: 'passed' | 'failed'): number => results.reduce((sum, result) => sum + result[field], 0);
process.stdout.write(`\n${total('passed')} passed, ${total('failed')} failed\n`);
process.exitCode = total('failed') === 0 ? 0 : 1;
