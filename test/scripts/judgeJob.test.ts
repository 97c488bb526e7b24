import { expect } from 'chai';
import { failureIn, judgeJob } from '../../scripts/support/judgeJob.ts';
import { type Step, steps } from '../../scripts/support/testSteps.ts';

const tests: Step = { name: 'tests', kind: 'tests', jobs: [] };
const check: Step = { name: 'check', kind: 'check', jobs: [] };
const ran = (code: number | null, output: string) => ({ code, output, seconds: 1 });

describe('what a job came to', () => {
  it('is what mocha has counted', () => {
    expect(judgeJob(tests, ran(1, '\n  12 passing (3s)\n  2 failing\n'))).to.deep.equal({ passed: 12, failed: 2 });
    expect(judgeJob(tests, ran(0, '  12 passing (3s)\n  1 pending\n'))).to.deep.equal({ passed: 12, failed: 0 });
  });

  it('is a failure where nothing was tested, or the process ended badly by itself', () => {
    expect(judgeJob(tests, ran(0, '  0 passing\n'))).to.deep.equal({ passed: 0, failed: 1 });
    expect(judgeJob(tests, ran(0, ''))).to.deep.equal({ passed: 0, failed: 1 });
    expect(judgeJob(tests, ran(null, '  12 passing\n'))).to.deep.equal({ passed: 12, failed: 1 });
    const overdue = { ...ran(0, '  12 passing\n'), endedBy: 'its limit of 900 s' };
    expect(judgeJob(tests, overdue)).to.deep.equal({ passed: 12, failed: 1 });
    expect(judgeJob(check, overdue)).to.deep.equal({ passed: 0, failed: 1 });
    expect(judgeJob({ ...check, mustFailWith: /passing/ }, { ...overdue, code: null })).to.deep.equal({
      passed: 0,
      failed: 1,
    });
  });

  it('is one check, by its exit code and what it has said', () => {
    expect(judgeJob(check, ran(0, ''))).to.deep.equal({ passed: 1, failed: 0 });
    expect(judgeJob(check, ran(2, ''))).to.deep.equal({ passed: 0, failed: 1 });
    expect(judgeJob({ ...check, mustSay: /seen/ }, ran(0, 'nothing'))).to.deep.equal({ passed: 0, failed: 1 });
    const canary: Step = { ...check, mustFailWith: /rule broken/ };
    expect(judgeJob(canary, ran(1, 'rule broken'))).to.deep.equal({ passed: 1, failed: 0 });
    expect(judgeJob(canary, ran(0, 'rule broken'))).to.deep.equal({ passed: 0, failed: 1 });
    expect(judgeJob(canary, ran(1, 'crashed'))).to.deep.equal({ passed: 0, failed: 1 });
  });
});

describe('what a failed job says of it', () => {
  it('is what mocha says from the failures on, without the times of the files', () => {
    const output =
      '  ✔ one\nAT a two\n  1) two\n\n  1 passing (3s)\n  1 failing\n\n  1) two:\nFILE 1.0 2.0 a.test.ts\n     Error: no\n';
    expect(failureIn({ output }).trim()).to.equal('1 failing\n\n  1) two:\n     Error: no');
  });

  it('is the end of what a check has written, and no more than can be read', () => {
    expect(failureIn({ output: 'lint: 2 errors' })).to.equal('lint: 2 errors');
    expect(failureIn({ output: `${'x'.repeat(100_000)}the end` })).to.match(/^x{3993}the end$/);
    expect(failureIn({ output: `1 failing\n${'x'.repeat(100_000)}` })).to.have.length(4_000);
  });
});

describe('what a job says that did not end by itself', () => {
  it('begins with what has ended it, and at which test or hook', () => {
    const output = 'AT a one\n  ✔ one\nAT a two\n';
    const endedBy = 'its limit of 900 s';
    expect(failureIn({ output, endedBy })).to.equal('ended by its limit of 900 s, at: a two\n  ✔ one\n');
    const failed = `AT a one\nWHY ${JSON.stringify('a one: Error: no\n  at here')}\n  1) one\nAT a two\n`;
    expect(failureIn({ output: failed, endedBy })).to.equal(
      'ended by its limit of 900 s, at: a two\na one: Error: no\n  at here\n  1) one\n',
    );
    expect(failureIn({ output: 'half of it', endedBy: 'SIGSEGV' })).to.equal('ended by SIGSEGV\nhalf of it');
  });
});

describe('the steps of npm test', () => {
  it('have names of their own, and all have something to do', () => {
    const names = steps.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(steps.filter(({ jobs }) => jobs.length === 0)).to.deep.equal([]);
  });
});
