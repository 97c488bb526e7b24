import { expect } from 'chai';
import { Broadcaster } from '../../../../services/app/replication/Broadcaster.ts';
import { topics } from '../../../../services/app/replication/wire.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { decodeEntries } from '../../../../services/core/log/entryBundle.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { defaultLimits } from '../../../../services/net/limits.ts';
import type { Net } from '../../../../services/net/Net.ts';

describe('Broadcaster', () => {
  /** A net of which only `publish` is there, with the real limit. */
  function publishing(publish: (payload: Uint8Array) => void): Net {
    return {
      async publish(topic: string, payload: Uint8Array) {
        expect(topic).to.equal(topics.records);
        if (payload.length > defaultLimits.gossipBytes) throw new NotariumError('message-too-large');
        publish(payload);
        return 1;
      },
    } as Partial<Net> as Net;
  }
  const entry = (at: number, sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(at % 251);

  for (const sizeBytes of [100, 1_500, 16 * 1024]) {
    it(`sends records of ${sizeBytes} bytes in messages that may be sent, all of them and in order`, async () => {
      const sent: Uint8Array[] = [];
      const broadcaster = new Broadcaster(
        publishing((payload) => sent.push(...decodeEntries(payload))),
        silentLogger,
      );
      const entries = Array.from({ length: 1_000 }, (_, at) => entry(at, sizeBytes));
      broadcaster.add(entries.slice(0, 300));
      broadcaster.add(entries.slice(300));
      await broadcaster.flush();
      expect(sent.length).to.equal(1_000);
      expect(sent.every((each, at) => each[0] === at % 251 && each.length === sizeBytes)).to.equal(true);
    });
  }

  it('goes on after a failure', async () => {
    const sent: number[] = [];
    let isFailing = true;
    const broadcaster = new Broadcaster(
      publishing((payload) => {
        if (isFailing) {
          isFailing = false;
          throw new Error('the node is stopping');
        }
        sent.push(decodeEntries(payload).length);
      }),
      silentLogger,
    );
    broadcaster.add([entry(1, 10)]);
    await broadcaster.flush();
    broadcaster.add([entry(2, 10), entry(3, 10)]);
    await broadcaster.flush();
    expect(sent).to.deep.equal([2]);
  });
});
