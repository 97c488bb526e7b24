import { expect } from 'chai';
import { type CentreParts, defaultSettings } from '../../../services/app/CentreParts.ts';
import { createMetrics } from '../../../services/app/metrics.ts';
import { reconcile } from '../../../services/app/reconcile.ts';
import type { AnchoredBlock } from '../../../services/chain/Chain.ts';
import { type BlockHeader, blockDigest, blockHash, zeroHash } from '../../../services/core/block.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { parseNetworkName } from '../../../services/core/eip712.ts';
import { isNotariumError } from '../../../services/core/errors.ts';
import type { Signer } from '../../../services/core/signature.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { expectCode } from '../../support/expectCode.ts';
import { crypto, randomSigner } from '../../support/recordKit.ts';
import { anchor, network as networkText } from '../store/storeKit.ts';
import { type StorePlace, storePlace } from '../store/storePlace.ts';

describe('reconcile with blocks of other centres', () => {
  const network = parseNetworkName(networkText)!;
  const centres = Array.from({ length: 4 }, randomSigner);
  const members = centres.map(({ address }) => address);
  const slot = 400;
  let place: StorePlace;
  beforeEach(async () => {
    place = await storePlace('sqlite');
  });
  afterEach(() => place[Symbol.asyncDispose]());

  async function blockOf(signers: readonly Signer[], fields: Partial<BlockHeader> = {}): Promise<AnchoredBlock> {
    const header: BlockHeader = {
      ...{ height: 1, slot, treeSize: 3, root: toHex(new Uint8Array(32).fill(5)), parent: zeroHash },
      ...{ epoch: 1, publisher: members[0]! },
      ...fields,
    };
    const digest = blockDigest(network, header);
    const signatures = await Promise.all(
      signers.map(async (signer) => ({ signer: signer.address, signature: toHex(await signer.sign(digest)) })),
    );
    return { header, blockHash: blockHash(network, header), signatures, anchor: { ...anchor, confirmations: 1 } };
  }

  /** Heights that were handed on to be imported, of a chain that says this block is its first. */
  async function imported(block: AnchoredBlock): Promise<number[]> {
    const store = await place.open();
    const lease = (await store.acquireLease('publisher', 'test', 60_000))!;
    const heights: number[] = [];
    const chain = {
      head: async () => 1,
      blockHash: async () => block.blockHash,
      async *anchoredBlocks() {
        yield block;
      },
      committee: async (epoch: number) => ({ epoch, members: epoch === 1 ? members : members.slice(1) }),
    };
    const replication = {
      importBlocks: async (blocks: readonly { header: BlockHeader }[]) => {
        heights.push(...blocks.map(({ header }) => header.height));
      },
    };
    const parts = {
      ...{ store, chain, network, crypto, replication, logger: silentLogger },
      ...{ settings: defaultSettings, metrics: createMetrics() },
    };
    await reconcile(parts as unknown as CentreParts, lease);
    return heights;
  }

  it('takes one that the publisher of the slot and a quorum of its epoch have signed', async () => {
    expect(await imported(await blockOf(centres.slice(0, 3)))).to.deep.equal([1]);
  });

  it('discards any other, naming why, whatever the node of the chain says', async () => {
    const wrong: [AnchoredBlock, string][] = [
      [await blockOf(centres.slice(0, 2)), 'receipt-quorum-missing'],
      [await blockOf(centres.slice(1)), 'receipt-quorum-missing'],
      [await blockOf([centres[0]!, centres[1]!, randomSigner()]), 'receipt-quorum-missing'],
      [await blockOf(centres, { publisher: members[1]! }), 'receipt-publisher-not-turn'],
      // It had left the committee by then.
      [await blockOf(centres, { epoch: 2 }), 'receipt-publisher-not-turn'],
    ];
    for (const [block, why] of wrong) {
      const { cause, message } = await expectCode('block-invalid', imported(block));
      expect(message).to.include('block 1 of the chain');
      expect(isNotariumError(cause) && cause.code).to.equal(why);
      await place[Symbol.asyncDispose]();
      place = await storePlace('sqlite');
    }
  });
});
