import { expect } from 'chai';
import type { CentreStatus } from '../../../services/app/Centre.ts';
import { Problems } from '../../../services/app/Problems.ts';
import { statusInTime } from '../../../services/app/statusInTime.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { expectCode } from '../../support/expectCode.ts';

describe('status of a centre', () => {
  it('is what the store says, when it does', async () => {
    const status = { ready: true } as CentreStatus;
    expect(await statusInTime(new Problems(), async () => status)).to.equal(status);
  });

  it('is the problems in memory when the store hangs or fails', async () => {
    const problems = new Problems();
    problems.raise('chain-unreachable', 'no answer');
    const codes = async (read: () => Promise<CentreStatus>): Promise<string[]> => {
      const { data } = await expectCode('not-ready', statusInTime(problems, read, 20));
      return (data.problems as { code: string }[]).map(({ code }) => code);
    };
    expect(await codes(() => new Promise(() => {}))).to.deep.equal(['storage-failed', 'chain-unreachable']);
    problems.raise('storage-failed', 'earlier');
    const failing = async (): Promise<CentreStatus> => {
      throw new NotariumError('storage-failed', 'connection refused');
    };
    expect(await codes(failing)).to.deep.equal(['storage-failed', 'chain-unreachable']);
  });
});
