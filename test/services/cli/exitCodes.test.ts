import { expect } from 'chai';
import { exitCodeOf, exitTable } from '../../../services/cli/exitCodes.ts';
import type { ErrorCode } from '../../../services/core/errors.ts';
import { cli, errorCodes } from '../../support/cliKit.ts';

const place = { cwd: '/' };

describe('cli/exitCodes', () => {
  it('has a number for every error code, and 1 for internal only', () => {
    for (const code of errorCodes) {
      expect(exitCodeOf(code), code).to.be.within(1, 125);
      if (code !== 'internal') expect(exitCodeOf(code), code).not.to.equal(1);
    }
  });

  it('gives every step of a verification a number of its own', () => {
    const steps = errorCodes.filter((code) => code.startsWith('receipt-'));
    expect(new Set(steps.map(exitCodeOf)).size).to.equal(steps.length);
  });

  it('names no number and no code twice', () => {
    const numbers = exitTable.map(({ exit }) => exit);
    const codes = exitTable.flatMap(({ codes: named }) => named);
    expect(new Set(numbers).size).to.equal(numbers.length);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of codes) if (!code.endsWith('-*')) expect(errorCodes).to.include(code as ErrorCode);
  });

  it('shows all numbers in --help', async () => {
    const { code, stdout } = await cli(place, '--help');
    expect(code).to.equal(0);
    for (const { exit, meaning } of exitTable) expect(stdout).to.include(`${String(exit).padStart(5)}  ${meaning}`);
  });
});

describe('notarium', () => {
  it('says in one form what is wrong with a command line', async () => {
    const wrong = [[], ['nonsense'], ['verify', '--nonsense'], ['notarize'], ['keys', 'create']];
    for (const argv of wrong) {
      const run = await cli(place, ...argv);
      expect(run.code, argv.join(' ')).to.equal(2);
      expect(run.stderr).to.match(/error usage-invalid: /);
      const json = await cli(place, '--json', ...argv);
      expect(json.code).to.equal(2);
      expect(json.json<{ error: object }>().error).to.include({ code: 'usage-invalid', exitCode: 2 });
    }
  });

  it('shows a stack trace with --debug only', async () => {
    const argv = ['notarize', 'x', '--key', '/nowhere'];
    expect((await cli(place, ...argv)).stderr).not.to.match(/ at .*\.ts:/);
    expect((await cli(place, ...argv, '--debug')).stderr).to.match(/ at .*\.ts:/);
  });

  it('colours for a terminal, unless NO_COLOR is set', async () => {
    const coloured = await cli({ ...place, isTTY: true }, 'notarize', 'x', '--key', '/nowhere');
    expect(coloured.stderr).to.include('\u001b[');
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const plain = await cli({ ...place, isTTY: true, env }, 'notarize', 'x', '--key', '/nowhere');
      expect(plain.stderr).not.to.include('\u001b[');
    }
  });

  it('tells its version', async () => {
    const { stdout, code } = await cli(place, 'version', '--json');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ node: process.versions.node });
    expect((await cli(place, '--version')).stdout).to.equal(`${JSON.parse(stdout).notarium}\n`);
  });
});
