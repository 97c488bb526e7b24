import { expect } from 'chai';
import { createMetrics } from '../../../../services/app/metrics.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { SeenHeaders } from '../../../../services/app/replication/SeenHeaders.ts';
import { type AskPauses, EquivocationWatch } from '../../../../services/app/replication/watchEquivocation.ts';
import { headersSchema, jsonFrame, protocols, readJson, topics } from '../../../../services/app/replication/wire.ts';
import { type BlockHeader, blockDigest, blockHash, zeroHash } from '../../../../services/core/block.ts';
import { type Address, toHex } from '../../../../services/core/bytes.ts';
import type { Crypto } from '../../../../services/core/crypto.ts';
import { checkEquivocation, type SignedHeader } from '../../../../services/core/equivocation.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto, randomSigner } from '../../../support/recordKit.ts';
import { until } from '../../../support/until.ts';
import { openVoter, slot, testNetwork, type Voter } from './replicationKit.ts';

describe('EquivocationWatch', () => {
  const culprit = randomSigner();
  const reports: SignedHeader[][] = [];
  let told = 0;
  let voter: Voter;
  let watch: EquivocationWatch;
  let handler: RequestHandler | undefined;
  let connected: ((peer: Address) => void) | undefined;
  /** What a peer answers that is asked for headers. */
  let peerFrames: unknown[] = [];
  let peerFails = false;
  /** First slots of all questions to it. */
  const questions: number[] = [];
  let isPeerConnected = false;
  const blamed: unknown[] = [];
  let recoveries = 0;
  const counting: Crypto = {
    ...crypto,
    recover: (...inputs) => {
      recoveries++;
      return crypto.recover(...inputs);
    },
  };
  const peer = randomSigner().address;

  beforeEach(async () => {
    voter = await openVoter();
    await start(voter.store);
  });

  async function start(store: Store, pauses?: AskPauses): Promise<void> {
    reports.length = 0;
    blamed.length = 0;
    questions.length = 0;
    peerFrames = [];
    peerFails = false;
    isPeerConnected = false;
    told = 0;
    const net: Partial<Net> = {
      subscribe: () => {},
      handle: (protocol, given) => {
        expect(protocol).to.equal(protocols.headers);
        handler = given;
      },
      onConnect: (given) => {
        connected = given;
      },
      async *request(of, protocol, frames) {
        expect([of, protocol]).to.deep.equal([peer, protocols.headers]);
        const query = JSON.parse(new TextDecoder().decode([...(frames as Iterable<Uint8Array>)][0]));
        questions.push((query as { fromSlot: number }).fromSlot);
        if (peerFails) throw new NotariumError('peer-timeout');
        for (const frame of peerFrames) yield jsonFrame(frame);
      },
      peers: () => [
        { address: culprit.address, isConnected: false, score: 0 },
        { address: peer, isConnected: isPeerConnected, score: 0 },
      ],
      blame: (...given) => void blamed.push(given),
      publish: async (topic) => {
        expect(topic).to.equal(topics.headers);
        return ++told;
      },
    };
    const chain = {
      nodes: async () => [{ address: culprit.address, status: 'active' }],
      reportEquivocation: async (...proof: SignedHeader[]) => {
        reports.push(proof);
        return 'suspended';
      },
    };
    const clock = { ...voter.parts.clock, sleep: () => new Promise<void>((done) => setImmediate(done)) };
    const parts = {
      ...voter.parts,
      seen: new SeenHeaders(testNetwork, counting),
      signer: randomSigner(),
      store,
      net,
      chain,
      clock,
      metrics: createMetrics(),
    } as unknown as ReplicationParts;
    watch = new EquivocationWatch(parts, pauses);
    watch.start();
  }
  afterEach(async () => {
    await watch.close();
    await voter[Symbol.asyncDispose]();
  });

  const signed = async (fields: Partial<BlockHeader>): Promise<SignedHeader> => {
    const header: BlockHeader = {
      ...{ height: 1, slot, treeSize: 1, root: zeroHash, parent: zeroHash },
      ...{ epoch: 1, publisher: culprit.address },
      ...fields,
    };
    return { header, signature: toHex(await culprit.sign(blockDigest(testNetwork, header))) };
  };
  const anchored = ({ header, signature }: SignedHeader) => ({
    header,
    signatures: [
      { signer: randomSigner().address, signature: `0x${'22'.repeat(65)}` as const },
      { signer: culprit.address, signature },
    ],
  });

  it('reports who showed it one block and had another one of the slot anchored', async () => {
    const [shown, other] = [await signed({}), await signed({ treeSize: 2 })];
    expect(await watch.note(shown)).to.equal(true);
    await watch.compare([anchored(await signed({ slot: slot - 1 })), anchored(other)]);
    const [proof] = await until('the report', () => reports.length > 0 && reports);
    expect(proof!.slice(0, 2)).to.deep.equal([shown, other]);
    expect(checkEquivocation(testNetwork, proof![0]!, proof![1]!)).to.equal(culprit.address);
    // Each half of the proof when it was new, and the first again with the second.
    expect(told).to.equal(3);
    expect(await watch.note(await signed({ treeSize: 3 }))).to.equal(false);
  });

  it('knows after a restart what it was shown, and what it had not yet reported', async () => {
    const shown = await signed({});
    await watch.note(shown);
    await watch.note(await signed({ slot: slot - 1, height: 7 }));
    await watch.close();
    await start(await voter.reopen());
    expect(told).to.equal(0);
    expect(await watch.note(await signed({ treeSize: 2 }))).to.equal(false);
    await until('the report', () => reports.length === 1);
    expect(reports[0]![0]).to.deep.equal(shown);
    await watch.close();
    await voter[Symbol.asyncDispose]();

    voter = await openVoter();
    const two = [shown, await signed({ treeSize: 3 })];
    const kept = two.map((each) => ({ hash: blockHash(testNetwork, each.header), signed: each }));
    await voter.store.keepHeaders(kept, 0);
    await start(voter.store);
    await until('the report', () => reports.length === 1);
  });

  it('reports and tells a proof also when the disk takes nothing', async () => {
    await watch.close();
    const full = () => Promise.reject(new NotariumError('storage-full'));
    await start(Object.create(voter.store, { keepHeaders: { value: full }, appendEvent: { value: full } }) as Store);
    expect(await watch.note(await signed({}))).to.equal(true);
    await expectCode('storage-full', watch.note(await signed({ treeSize: 2 })));
    await until('the report', () => reports.length === 1);
    expect(told).to.equal(3);
  });

  it('checks no signature again of what it knows, however often a peer shows it', async () => {
    const shown = await signed({});
    await watch.note(shown);
    recoveries = 0;
    peerFrames = Array.from({ length: 4 }, () => Array.from({ length: 256 }, () => shown));
    peerFrames.push([await signed({ slot: slot - 2 })]);
    connected!(peer);
    await until('the new one', async () => (await voter.store.keptHeaders()).length === 2);
    expect(recoveries).to.equal(1);
  });

  it('forgets what is long over', async () => {
    const old = await signed({ slot: slot - 1001 });
    await voter.store.keepHeaders([{ hash: blockHash(testNetwork, old.header), signed: old }], 0);
    await watch.note(await signed({}));
    expect((await voter.store.keptHeaders()).map(({ signed: each }) => each.header.slot)).to.deep.equal([slot]);
  });

  it('compares what it was shown with a peer that it meets, and tells all of a proof alone', async () => {
    const [shown, other] = [await signed({}), await signed({ treeSize: 2 })];
    await watch.note(shown);
    await watch.note(await signed({ slot: slot - 5 }));
    expect(told).to.equal(2);
    const query = (async function* () {
      yield jsonFrame({ fromSlot: slot });
    })();
    const answers: unknown[] = [];
    for await (const frame of handler!(query, peer, AbortSignal.timeout(120_000))) {
      answers.push(...readJson(headersSchema, frame));
    }
    expect(answers).to.deep.equal([shown]);

    const spoilt = { ...(await signed({ slot: slot - 3 })), signature: other.signature };
    const strange = await signed({ publisher: randomSigner().address });
    peerFrames = [[await signed({ slot: slot - 2 }), strange, spoilt], [other]];
    connected!(peer);
    await until('the report', () => reports.length === 1);
    expect(reports[0]!.slice(0, 2)).to.deep.equal([shown, other]);
    expect(told).to.equal(4);
    expect(blamed).to.deep.equal([[peer, 'signature-mismatch', 10]]);
    expect((await voter.store.keptHeaders()).map(({ signed: each }) => each.header.slot - slot)).to.deep.equal([
      -5, -2, 0, 0,
    ]);
  });

  it('asks a peer again that could not answer, for all of it, and later for what it may have been shown since', async () => {
    await watch.close();
    await start(voter.store, { againMs: 0, failedMs: 0 });
    const [shown, other] = [await signed({}), await signed({ treeSize: 2 })];
    await watch.note(shown);
    peerFails = true;
    isPeerConnected = true;
    connected!(peer);
    await until('several questions', () => questions.length >= 3);
    expect(new Set(questions)).to.deep.equal(new Set([slot - 1000]));
    peerFails = false;
    await until('a question after an answer', () => questions.includes(slot - 60));
    expect(questions.slice(questions.indexOf(slot - 60))).not.to.include(slot - 1000);
    expect(reports).to.deep.equal([]);
    // Gossip has not brought it: when it was shown, nobody here listened yet.
    peerFrames = [[other]];
    await until('the report', () => reports.length === 1);
    expect(reports[0]!.slice(0, 2)).to.deep.equal([shown, other]);
    isPeerConnected = false;
    connected!(peer);
    expect(questions.at(-1)).to.equal(slot - 1000);
  });

  it('reports who shows another block than the one that was anchored before', async () => {
    await watch.compare([anchored(await signed({}))]);
    expect(told).to.equal(0);
    expect(await watch.note(await signed({ treeSize: 2 }))).to.equal(false);
    await until('the report', () => reports.length === 1);
  });

  it('takes the same block from a publisher and from the chain, and does not mind a spoilt signature', async () => {
    const shown = await signed({});
    await watch.note(shown);
    await watch.compare([
      anchored({ ...(await signed({ treeSize: 2 })), signature: shown.signature }),
      anchored({ ...(await signed({ treeSize: 3 })), signature: `0x${'00'.repeat(65)}` }),
      anchored(shown),
    ]);
    expect(await watch.note(shown)).to.equal(true);
    expect(reports).to.deep.equal([]);
  });
});
