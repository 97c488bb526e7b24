import { expect } from 'chai';
import { holdByQuorum, serveHold } from '../../../../services/app/replication/holdRecords.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { heldSchema, jsonFrame, onlyFrame, readJson } from '../../../../services/app/replication/wire.ts';
import { checkAcceptance, signAcceptance } from '../../../../services/core/acceptance.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { encodeEntries } from '../../../../services/core/log/entryBundle.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto, randomSigner } from '../../../support/recordKit.ts';
import { logAll } from '../../store/storeKit.ts';
import { openVoter, poolRow, slot, testNetwork } from './replicationKit.ts';

describe('serveHold', () => {
  it('promises what it has on disk, in the pool or in a block that came first, and nothing else', async () => {
    await using voter = await openVoter();
    const signer = randomSigner();
    let handler: RequestHandler | undefined;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: (_, given) => {
        handler = given;
      },
    };
    serveHold({ ...voter.parts, net: net as Net, signer } as ReplicationParts);
    const logged = await voter.record();
    await logAll(voter.store, [poolRow(logged)], slot - 5);
    const fresh = await voter.record();
    const orphan = await voter.record({ supersedes: (await voter.record()).id });
    const bundle = encodeEntries([logged.entry, fresh.entry, orphan.entry]);
    const frames = (async function* () {
      yield bundle;
    })();
    const answers = readJson(
      heldSchema,
      await onlyFrame(handler!(frames, voter.publisher, AbortSignal.timeout(120_000))),
    );
    expect(answers.map((answer) => answer?.recordId)).to.deep.equal([logged.id, fresh.id, undefined]);
    for (const acceptance of answers.slice(0, 2)) {
      checkAcceptance(testNetwork, acceptance!, crypto);
      expect(acceptance!.centre).to.equal(signer.address);
      expect(acceptance!.includeBySlot).to.be.greaterThan(slot);
    }
    // What it has promised it watches, as if its own client had brought it; what nobody asked for it does not.
    await voter.store.admit([poolRow(await voter.record())]);
    const { includeBySlot } = answers[1]!;
    expect((await voter.store.overdue(includeBySlot + 1, 10)).map(toHex)).to.deep.equal([fresh.id]);
    expect(await voter.store.overdue(includeBySlot, 10)).to.deep.equal([]);
  });
});

describe('holdByQuorum', () => {
  /** Holds a record with one other centre, which answers by `answer`; how often it was asked, and what came of it. */
  async function held(answer: (asked: number) => unknown, timeoutMs: number) {
    await using voter = await openVoter();
    const [signer, other] = [randomSigner(), randomSigner()];
    const record = await voter.record();
    await voter.store.admit([poolRow(record)]);
    const promise = { recordId: record.id, acceptedAt: slot, includeBySlot: slot + 60 };
    const own = await signAcceptance(testNetwork, promise, signer);
    const theirs = await signAcceptance(testNetwork, promise, other);
    let asked = 0;
    const net: Partial<Net> = {
      async *request(_peer, _protocol, _frames, options) {
        options.signal?.throwIfAborted();
        AbortSignal.timeout(options.timeoutMs);
        const given = answer(++asked);
        yield jsonFrame([given === undefined ? theirs : given]);
      },
    };
    const registry = { active: () => [signer, other].map(({ address }) => ({ address })) };
    const clock = { ...voter.parts.clock, sleep: () => new Promise<void>((done) => setImmediate(done)) };
    const parts = { ...voter.parts, net, registry, signer, clock } as unknown as ReplicationParts;
    const result = holdByQuorum(parts, record.id, own, { timeoutMs });
    return { asked: () => asked, result: await result.catch((error: unknown) => error), expected: [own, theirs] };
  }

  it('asks a centre again that was away, as long as there is time', async () => {
    const { asked, result, expected } = await held((count) => {
      if (count <= 2) throw new NotariumError(count === 1 ? 'peer-unreachable' : 'peer-timeout');
      return undefined;
    }, 60_000);
    expect(result).to.deep.equal(expected);
    expect(asked()).to.equal(3);
    const away = await held(() => {
      throw new NotariumError('peer-unreachable');
    }, 20);
    await expectCode('quorum-unreachable', Promise.reject(away.result));
  });

  it('asks a centre once that does not take it', async () => {
    const { asked, result } = await held(() => null, 60_000);
    await expectCode('quorum-unreachable', Promise.reject(result));
    expect(asked()).to.equal(1);
  });
});
