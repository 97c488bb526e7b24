import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../../scripts/support/ensureBuilt.ts';
import { failureIn, readable } from '../../scripts/support/judgeJob.ts';
import { runJob } from '../../scripts/support/runJob.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const shell = (script: string) => ({ name: 'a job', command: ['/bin/sh', '-c', script] });
/** Whether a process runs: what has ended and whose parent has not looked yet does not. */
const isRunning = async (pid: number): Promise<boolean> => {
  const listed = promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
  const { stdout } = await listed.catch(() => ({ stdout: '' }));
  return /^[^Z\s]/.test(stdout.trim());
};

describe('a job', () => {
  it('that ends by itself says how, and what it has said', async () => {
    const run = await runJob(shell('echo "$WORD"; echo two >&2; exit 3'), { WORD: 'one' });
    expect(run.code).to.equal(3);
    expect(run.output.split('\n').filter(Boolean)).to.have.members(['one', 'two']);
    expect(run).not.to.have.property('endedBy');
    expect((await runJob(shell('kill -SEGV $$'))).endedBy).to.equal('SIGSEGV');
  });

  it('that does not end is ended at its limit, with all that it has started, whatever it does about it', async () => {
    for (const trap of ['', 'trap "" TERM; ']) {
      const run = await runJob(shell(`${trap}sleep 1000 & echo "AT the test $!"; wait; sleep 1000`), {}, 2_000);
      expect(run.endedBy).to.equal('its limit of 2 s');
      const [, pid] = /^ended by its limit of 2 s, at: the test (\d+)$/m.exec(failureIn(run))!;
      await until('its own process has ended', async () => !(await isRunning(Number(pid))));
    }
  });

  describe('of mocha', () => {
    const ran = async (body: string) => {
      await using folder = await temporaryFolder();
      const file = join(folder.path, 'some.test.ts');
      await writeFile(file, `describe('some', () => { it('other', () => {}); it('last', () => { ${body} }); });`);
      const reporter = ['--reporter', join(root, 'test', 'support', 'fileTimes.ts'), '--reporter-option', 'endMs=100'];
      const command = [join(root, 'node_modules', '.bin', 'mocha'), '--no-config', ...reporter, file];
      return await runJob({ name: 'a job', command });
    };

    it('says at which test it was, and what had failed', async () => {
      const run = await ran(
        "throw new Error('of mine'); }); it('killed', () => { process.kill(process.pid, 'SIGKILL');",
      );
      expect(failureIn(run))
        .to.match(/^ended by SIGKILL, at: some killed\nsome last: Error: of mine\n +at .+some\.test\.ts/)
        .and.include('✔ other');
      const whole = await ran("throw new Error('of mine');");
      expect(readable(whole.output)).to.include('1 failing').and.not.include('WHY');
    });

    it('ends though something of its tests is open, says what, and has failed', async () => {
      const run = await ran('setInterval(() => {}, 1000);');
      expect(run).to.include({ code: 1 }).and.not.to.have.property('endedBy');
      expect(failureIn(run)).to.include('all tests have ended, but not this process: ').and.include('Timeout');
      expect((await ran('')).code).to.equal(0);
    });
  });
});
