import { expect } from 'chai';
import { createMetrics } from '../../../../services/app/metrics.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { EquivocationWatch } from '../../../../services/app/replication/watchEquivocation.ts';
import { topics } from '../../../../services/app/replication/wire.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../../../services/core/block.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { checkEquivocation, type SignedHeader } from '../../../../services/core/equivocation.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { until } from '../../../support/until.ts';
import { openVoter, slot, testNetwork, type Voter } from './replicationKit.ts';

describe('EquivocationWatch', () => {
  const culprit = randomSigner();
  const reports: SignedHeader[][] = [];
  let told = 0;
  let voter: Voter;
  let watch: EquivocationWatch;

  beforeEach(async () => {
    voter = await openVoter();
    reports.length = 0;
    told = 0;
    const net: Partial<Net> = {
      subscribe: () => {},
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
    watch = new EquivocationWatch({
      ...voter.parts,
      net,
      chain,
      clock,
      metrics: createMetrics(),
    } as unknown as ReplicationParts);
    watch.start();
  });
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
