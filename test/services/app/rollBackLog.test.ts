import { expect } from 'chai';
import { type CentreParts, defaultSettings } from '../../../services/app/CentreParts.ts';
import { createMetrics } from '../../../services/app/metrics.ts';
import { Problems } from '../../../services/app/Problems.ts';
import { readLog } from '../../../services/app/readLog.ts';
import { reconcile } from '../../../services/app/reconcile.ts';
import { BlockImporter } from '../../../services/app/replication/BlockImporter.ts';
import { ProposalMemory } from '../../../services/app/replication/ProposalMemory.ts';
import type { ReplicationParts } from '../../../services/app/replication/ReplicationParts.ts';
import type { AnchoredBlock } from '../../../services/chain/Chain.ts';
import { type Address, concat, toHex } from '../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import { NotariumError } from '../../../services/core/errors.ts';
import { encodeEntries } from '../../../services/core/log/entryBundle.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import type { PoolRow } from '../../../services/store/PoolRow.ts';
import type { Store } from '../../../services/store/Store.ts';
import type { AnchoredBlock as Stored } from '../../../services/store/StoredBlock.ts';
import { expectCode } from '../../support/expectCode.ts';
import { crypto } from '../../support/recordKit.ts';
import { logAll, network as networkText, row, rows } from '../store/storeKit.ts';
import { type StorePlace, storePlace } from '../store/storePlace.ts';

describe('a log that the chain has contradicted', () => {
  let [hisPlace, place]: StorePlace[] = [];
  let [his, store]: Store[] = [];
  beforeEach(async () => {
    [hisPlace, place] = [await storePlace('sqlite'), await storePlace('sqlite')];
    [his, store] = [await hisPlace.open(), await place.open()];
  });
  afterEach(async () => {
    await hisPlace![Symbol.asyncDispose]();
    await place![Symbol.asyncDispose]();
  });

  const [liar, honest]: [Address, Address] = ['0x0a', '0x0b'];
  const common = rows(20, 'common');
  const lost = rows(9, 'lost');

  /** A centre that has committed `lost` as its second block, whose peers give what they are given here, by first leaf. */
  async function centre(chainBlocks: readonly Stored[], peers: ReadonlyMap<Address, readonly PoolRow[]>) {
    const lease = (await store!.acquireLease('publisher', 'test', 60_000))!;
    const confirmations = { count: 1 };
    const blames: Address[] = [];
    const asChain = ({ header, hash: blockHash, anchor }: Stored): AnchoredBlock => {
      return { header, blockHash, signatures: [], anchor: { ...anchor, confirmations: confirmations.count } };
    };
    const chain = {
      head: async () => chainBlocks.length,
      blockHash: async (height: number) => chainBlocks[height - 1]?.hash,
      chainTime: async () => ({ blockNumber: 1_000 }),
      async *anchoredBlocks(from: number) {
        for (const block of chainBlocks.slice(from - 1)) yield asChain(block);
      },
      nodes: async () => [],
    };
    const net = {
      peers: () => [...peers.keys()].map((address) => ({ address, isConnected: true, score: 0 })),
      blame: (peer: Address) => void blames.push(peer),
      async *request(peer: Address, _: string, [frame]: [Uint8Array]) {
        const { from, to } = JSON.parse(new TextDecoder().decode(frame)) as { from: number; to: number };
        const entries = peers.get(peer)!.map(({ entry }) => entry);
        if (to > entries.length) throw new NotariumError('tile-not-found');
        yield encodeEntries(from === 0 ? entries : entries.slice(0, to));
      },
    };
    const metrics = createMetrics();
    const problems = new Problems();
    const parts = {
      ...{ store: store!, chain, net, metrics, problems, crypto, clock: systemClock, logger: silentLogger },
      ...{ network: parseNetworkName(networkText)!, periodSeconds: 2, settings: defaultSettings },
      ...{ proposals: new ProposalMemory(), signer: { address: '0x0c' } },
    };
    const importer = new BlockImporter(parts as unknown as ReplicationParts);
    const replication = { importBlocks: importer.import.bind(importer) };
    const run = () => reconcile({ ...parts, replication } as unknown as CentreParts, lease);
    return { run, parts, blames, confirmations, metrics };
  }

  /** `ours` in the second block here, `theirs` in the chain's. Answers the chain's blocks. */
  async function fork(ours: readonly PoolRow[], theirs: readonly PoolRow[]): Promise<Stored[]> {
    const first = await logAll(his!, common, 1);
    await store!.importBlocks([first], listed(common));
    await logAll(store!, ours, 2);
    return [first, await logAll(his!, theirs, 3)];
  }
  async function* listed(all: readonly PoolRow[]): AsyncGenerator<Uint8Array[]> {
    yield all.map(({ entry }) => entry);
  }
  const rollBacks = async (metrics: ReturnType<typeof createMetrics>) =>
    (await metrics.rollBacks.get()).values[0]!.value;
  const alerts = async (): Promise<unknown[]> =>
    (await store!.eventsAfter(0, 100)).flatMap(({ type, data }) => (type === 'alert' ? [data.code] : []));

  for (const [which, theirs] of [
    ['longer', [...rows(30, 'theirs'), ...lost.slice(2)]],
    ['shorter', [lost[1]!, lost[0]!]],
  ] as const) {
    it(`goes back to what the chain has, and follows it, when that is ${which}`, async () => {
      const blocks = await fork(lost, theirs);
      const { run, metrics, parts, blames, confirmations } = await centre(
        blocks,
        new Map([
          [liar, [...common, ...rows(theirs.length, 'lies')]],
          [honest, [...common, ...theirs]],
        ]),
      );
      // The first look only sees that the anchor is gone.
      expect(await run()).to.equal(false);
      // A block that the chain may still give up proves nothing.
      confirmations.count = 0;
      await run();
      expect([store!.logSize(), await alerts()]).to.deep.equal([29, ['anchors-lost']]);
      confirmations.count = 1;
      expect(await run()).to.equal(true);
      expect(store!.logSize()).to.equal(20 + theirs.length);
      expect((await store!.committedBlock())?.hash).to.equal(blocks[1]!.hash);
      expect([await rollBacks(metrics), await alerts()]).to.deep.equal([1, ['anchors-lost', 'log-rolled-back']]);
      expect(blames).to.include(liar).and.not.include(honest);
      expect(parts.problems.has('log-forked')).to.equal(true);
      const left = lost.filter(({ id }) => !theirs.some((other) => toHex(other.id) === toHex(id)));
      const { ids } = await store!.poolIds({ afterSeq: 0, limit: 100 });
      expect(toHex(ids)).to.equal(toHex(concat(...left.map(({ id }) => id))));
      // It says so when they wait for too long, as of those of its own clients.
      expect(await store!.overdue(Number.MAX_SAFE_INTEGER, 100)).to.have.length(left.length);
      await store!.verifyLog();
    });
  }

  it('does not go back for entries that are not the block’s, nor where the chain goes on from ours', async () => {
    const blocks = await fork(lost, [...lost, row('more')]);
    const peers = new Map<Address, readonly PoolRow[]>([[liar, [...common, ...rows(10, 'lies')]]]);
    const { run, metrics } = await centre(blocks, peers);
    await run();
    await expectCode('block-unavailable', run());
    expect([store!.logSize(), await rollBacks(metrics)]).to.deep.equal([29, 0]);
    peers.set(honest, [...common, ...lost, row('more')]);
    expect(await run()).to.equal(true);
    expect([store!.logSize(), await rollBacks(metrics)]).to.deep.equal([30, 0]);
  });

  it('does not go back, again and again, for a block that is shorter than the one before it', async () => {
    const blocks = await fork(lost, [...lost, row('more')]);
    const { run, metrics } = await centre(
      [blocks[0]!, { ...blocks[1]!, header: { ...blocks[1]!.header, treeSize: 20 } }],
      new Map(),
    );
    await run();
    await expectCode('block-invalid', run());
    expect([store!.logSize(), await rollBacks(metrics)]).to.deep.equal([29, 0]);
  });

  it('blames nobody when the chain shows a block that follows another one than ours: its nodes differ', async () => {
    const blocks = await fork(lost, [...lost, row('more')]);
    const theirs = [...common, ...rows(11, 'theirs')];
    const strange = {
      ...blocks[1]!,
      header: { ...blocks[1]!.header, height: 3, parent: blocks[1]!.hash, treeSize: 31 },
    };
    const own = (await store!.committedBlock()) as Stored;
    const { run, blames } = await centre([blocks[0]!, own, strange], new Map([[honest, theirs]]));
    await expectCode('block-invalid', run());
    expect(blames).to.deep.equal([]);
    expect(store!.logSize()).to.equal(29);
  });

  it('signs the checkpoint of what it has now, also where both logs have one size', async () => {
    const theirs = [row('theirs'), ...lost.slice(1)];
    const blocks = await fork(lost, theirs);
    const { run } = await centre(blocks, new Map([[honest, [...common, ...theirs]]]));
    const network = parseNetworkName(networkText)!;
    const seed = new Uint8Array(32).fill(3);
    const ours = readLog(store!, network, seed);
    const lostText = await ours.checkpoint();
    await run();
    expect(await run()).to.equal(true);
    expect(await ours.checkpoint())
      .to.equal(await readLog(his!, network, seed).checkpoint())
      .and.not.equal(lostText);
  });

  it('finds the records of a block that nobody has taken among its own', async () => {
    const theirs = [row('void'), ...lost.slice(3)];
    const blocks = await fork(lost, theirs);
    await store!.admit([theirs[0]!]);
    const { run, parts, metrics } = await centre(blocks, new Map());
    const seqs = new Float64Array(theirs.length).fill(Number.NaN);
    const ids = concat(...theirs.map(({ id }) => id));
    parts.proposals.keep(blocks[1]!.hash, { ids, seqs, extras: new Map() });
    await run();
    expect(await run()).to.equal(true);
    expect([store!.logSize(), await rollBacks(metrics)]).to.deep.equal([27, 1]);
  });
});
