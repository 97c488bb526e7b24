import { expect } from 'chai';
import { Output, type OutputOptions } from '../../../services/cli/Output.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { cli } from '../../support/cliKit.ts';
import { startHttpTest, stopHttpTests } from '../../support/httpTest.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const foreign = 'a\u001b[2J\nb\u009b31mc\u{e0041}\u2028d';
const spelled = 'a\\u{1b}[2J\\u{a}b\\u{9b}31mc\\u{e0041}\\u{2028}d';

function outputOf(options: OutputOptions, isTTY = true) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal = {
    env: {},
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    cwd: '/',
    home: '/',
    signal: new AbortController().signal,
    interactive: false,
  };
  return { output: new Output(terminal, options), written };
}

describe('cli/Output', () => {
  it('colours its own words, and spells out the control characters of others', () => {
    const { output, written } = outputOf({ debug: true });
    output.line(`${output.mark('failed')} ${foreign}`, output.paint('bad', foreign));
    expect(written.stdout).to.equal(`\u001b[31m✗\u001b[0m ${spelled}\n\u001b[31m${spelled}\u001b[0m\n`);
    output.note(foreign);
    output.warn(foreign);
    output.error(new NotariumError('internal', foreign));
    expect(written.stderr).to.include(`\n\u001b[1mwarning\u001b[0m: ${spelled}\n`);
    expect(written.stderr)
      .not.to.contain('\u001b[2J')
      .and.not.match(/\u009b|\p{Zl}/u);
  });

  it('gives JSON that no terminal obeys, and that means the same', () => {
    const { output, written } = outputOf({ json: true });
    output.json({ foreign });
    expect(written.stdout).not.to.match(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}]/u);
    expect(JSON.parse(written.stdout)).to.deep.equal({ foreign });
  });

  it('prints what a centre says of itself and of its keys as one line each', async () => {
    await using folder = await temporaryFolder();
    const http = await startHttpTest();
    const { status: own } = http.centre;
    Object.assign(http.centre, { status: async () => ({ ...(await own()), version: `1.0${foreign}` }) });
    try {
      const admin = (await http.centre.keys.create(`admin ${foreign}`, ['admin', 'read'])).secret;
      const where = ['--url', http.url, '--api-key', admin];
      const status = await cli({ cwd: folder.path }, 'status', ...where);
      const keys = await cli({ cwd: folder.path }, 'keys', 'list', ...where);
      for (const { stdout } of [status, keys]) {
        expect(stdout).to.include(spelled);
        expect(stdout).not.to.match(/[^\n\P{Cc}]/u);
      }
    } finally {
      await stopHttpTests();
    }
  });
});
