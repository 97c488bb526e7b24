import { expect } from 'chai';
import { Problems } from '../../../../services/app/Problems.ts';
import type { Replication } from '../../../../services/app/replication/Replication.ts';
import { Seat } from '../../../../services/app/replication/Seat.ts';
import type { RegistryNode } from '../../../../services/chain/Chain.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { expectCode } from '../../../support/expectCode.ts';

describe('a seat among the others', () => {
  /** A registry (a TEST DOUBLE) that is read when the test says so, and a network that fails so often before it opens. */
  function seatOf(failures: number) {
    const problems = new Problems();
    const others: RegistryNode[] = [];
    let read: () => Promise<void> | void = () => {};
    let joined = 0;
    let closed = 0;
    const replication = { close: async () => void closed++ } as unknown as Replication;
    const seat = new Seat({
      problems,
      logger: silentLogger,
      registry: {
        others: () => others,
        onRead(handler) {
          read = handler;
        },
      },
      async join() {
        if (failures-- > 0) throw new NotariumError('port-taken');
        joined++;
        return replication;
      },
    });
    const meet = (): void => void others.push({} as RegistryNode);
    const part = (): void => void others.pop();
    return {
      seat,
      problems,
      replication,
      meet,
      part,
      read: async () => read(),
      joined: () => joined,
      closed: () => closed,
    };
  }

  it('is taken once, when there is somebody else', async () => {
    const { seat, replication, meet, read, joined, closed } = seatOf(0);
    await seat.take(false);
    await read();
    expect(seat.replication).to.equal(undefined);
    meet();
    await read();
    await read();
    expect(seat.replication).to.equal(replication);
    expect(joined()).to.equal(1);
    await seat.close();
    expect(closed()).to.equal(1);
  });

  it('is taken at the start where that is asked for, and a failure ends the start', async () => {
    const { seat, joined } = seatOf(0);
    await seat.take(true);
    expect(joined()).to.equal(1);
    await expectCode('port-taken', seatOf(1).seat.take(true));
  });

  it('is tried again after a failure, which is a problem until then', async () => {
    const { seat, problems, meet, read, replication } = seatOf(2);
    await seat.take(false);
    meet();
    await read();
    await read();
    expect(seat.replication).to.equal(undefined);
    expect(problems.list().map(({ code }) => code)).to.deep.equal(['port-taken']);
    await read();
    expect(seat.replication).to.equal(replication);
    expect(problems.list()).to.deep.equal([]);
  });

  it('is no problem any more when the others have gone', async () => {
    const { seat, problems, meet, part, read } = seatOf(1);
    await seat.take(false);
    meet();
    await read();
    expect(problems.list()).to.have.length(1);
    part();
    await read();
    expect(problems.list()).to.deep.equal([]);
  });
});
