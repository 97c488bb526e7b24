import { expect } from 'chai';
import { holdByQuorum, holdLanes, serveHold } from '../../../../services/app/replication/holdRecords.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { heldSchema, jsonFrame, onlyFrame, readJson } from '../../../../services/app/replication/wire.ts';
import { checkAcceptance, signAcceptance } from '../../../../services/core/acceptance.ts';
import { type Address, toHex } from '../../../../services/core/bytes.ts';
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
  type Answers = (asked: { readonly member: Address; readonly count: number; readonly signal: AbortSignal }) => unknown;

  /** Several records are held at once with other centres, which answer by `answers`: undefined is a promise. */
  async function held(answers: Answers, { timeoutMs = 600_000, others = 1, records = 1 } = {}) {
    await using voter = await openVoter();
    const signer = randomSigner();
    const centres = Array.from({ length: others }, randomSigner);
    const record = await voter.record();
    await voter.store.admit([poolRow(record)]);
    const promise = { recordId: record.id, acceptedAt: slot, includeBySlot: slot + 60 };
    const own = await signAcceptance(testNetwork, promise, signer);
    const theirs = await Promise.all(centres.map((centre) => signAcceptance(testNetwork, promise, centre)));
    let [asked, open, most] = [0, 0, 0];
    const net: Partial<Net> = {
      peers: () => centres.map(({ address }) => ({ address, isConnected: true, score: 0 })),
      async *request(member, _protocol, _frames, options) {
        const signal = AbortSignal.any([options.signal!, AbortSignal.timeout(options.timeoutMs)]);
        signal.throwIfAborted();
        most = Math.max(most, ++open);
        try {
          const given = await answers({ member, count: ++asked, signal });
          yield jsonFrame([given === undefined ? theirs.find(({ centre }) => centre === member) : given]);
        } finally {
          open--;
        }
      },
    };
    const registry = { active: () => [signer, ...centres].map(({ address }) => ({ address })) };
    const clock = { ...voter.parts.clock, sleep: () => new Promise<void>((done) => setImmediate(done)) };
    const parts = {
      ...{ ...voter.parts, net, registry, signer, clock },
      holdLane: holdLanes(),
    } as unknown as ReplicationParts;
    const all = Array.from({ length: records }, () => holdByQuorum(parts, record.id, own, { timeoutMs }));
    const results = await Promise.all(all.map((one) => one.catch((error: unknown) => error)));
    return { asked, most, results, expected: [own, ...theirs] };
  }

  it('asks a centre again that was away or busy, as long as there is time', async () => {
    const codes = ['peer-unreachable', 'peer-timeout', 'peer-busy'] as const;
    const { asked, results, expected } = await held(({ count }) => {
      if (codes[count - 1]) throw new NotariumError(codes[count - 1]!);
      return undefined;
    });
    expect(results).to.deep.equal([expected]);
    expect(asked).to.equal(4);
    const away = await held(
      () => {
        throw new NotariumError('peer-unreachable');
      },
      { timeoutMs: 20 },
    );
    await expectCode('quorum-unreachable', Promise.reject(away.results[0]));
  });

  it('asks a centre once that does not take it', async () => {
    const { asked, results } = await held(() => null);
    await expectCode('quorum-unreachable', Promise.reject(results[0]));
    expect(asked).to.equal(1);
  });

  it('asks a centre no more at a time than that serves', async () => {
    const turn = () => new Promise<undefined>((done) => setImmediate(() => done(undefined)));
    const { asked, most, results, expected } = await held(turn, { records: 200 });
    expect(results).to.deep.equal(results.map(() => expected));
    expect(asked).to.equal(200);
    expect(most).to.equal(16);
  });

  it('ends when no quorum is possible any more, though one has not answered', async () => {
    const first = new Set<Address>();
    const { results } = await held(
      ({ member, signal }) => {
        if (first.size < 2) {
          first.add(member);
          return null;
        }
        return new Promise((_answered, failed) => {
          signal.addEventListener('abort', () => failed(signal.reason), { once: true });
        });
      },
      { others: 3 },
    );
    await expectCode('quorum-unreachable', Promise.reject(results[0]));
  });
});
