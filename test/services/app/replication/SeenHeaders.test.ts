import { expect } from 'chai';
import { SeenHeaders } from '../../../../services/app/replication/SeenHeaders.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../../../services/core/block.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { checkEquivocation, type SignedHeader } from '../../../../services/core/equivocation.ts';
import type { Signer } from '../../../../services/core/signature.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto, randomSigner } from '../../../support/recordKit.ts';
import { testNetwork } from './replicationKit.ts';

describe('SeenHeaders', () => {
  const centre = randomSigner();

  const signed = async (fields: Partial<BlockHeader>, by: Signer = centre): Promise<SignedHeader> => {
    const header: BlockHeader = {
      height: 1,
      slot: 10,
      treeSize: 1,
      root: zeroHash,
      parent: zeroHash,
      epoch: 1,
      publisher: centre.address,
      ...fields,
    };
    return { header, signature: toHex(await by.sign(blockDigest(testNetwork, header))) };
  };
  const seen = (): SeenHeaders => new SeenHeaders(testNetwork, crypto);

  it('takes one header of a slot as often as it comes', async () => {
    const headers = seen();
    expect(headers.note(await signed({}))).to.deep.equal({ isNew: true });
    expect(headers.note(await signed({}))).to.deep.equal({ isNew: false });
    expect(headers.note(await signed({ slot: 11, height: 2 }))).to.deep.equal({ isNew: true });
  });

  it('proves two of one slot, and goes on proving it', async () => {
    const headers = seen();
    const [first, second] = [await signed({}), await signed({ treeSize: 2 })];
    headers.note(first);
    const { isNew, equivocation } = headers.note(second);
    expect(isNew).to.equal(true);
    expect(equivocation).to.deep.equal({ culprit: centre.address, first, second });
    expect(checkEquivocation(testNetwork, equivocation!.first, equivocation!.second)).to.equal(centre.address);
    for (const again of [first, second]) expect(headers.note(again)).to.deep.equal({ isNew: false, equivocation });
  });

  it('keeps no third one, and passes none on', async () => {
    const headers = seen();
    headers.note(await signed({}));
    headers.note(await signed({ treeSize: 2 }));
    for (let treeSize = 3; treeSize < 6; treeSize++) {
      const { isNew, equivocation } = headers.note(await signed({ treeSize }));
      expect(isNew).to.equal(false);
      expect(equivocation!.second.header.treeSize).to.equal(2);
    }
  });

  it('notes nothing that the publisher has not signed', async () => {
    const headers = seen();
    const strange = await signed({}, randomSigner());
    await expectCode('signature-mismatch', async () => headers.note(strange));
    await expectCode('signature-malformed', async () =>
      headers.note({ ...strange, signature: `0x${'00'.repeat(65)}` }),
    );
    expect(headers.note(await signed({ treeSize: 2 }))).to.deep.equal({ isNew: true });
  });

  it('forgets what is a thousand slots old, and nothing younger', async () => {
    const headers = seen();
    const [old, young] = [await signed({ slot: 10 }), await signed({ slot: 11 })];
    headers.note(old);
    headers.note(young);
    for (let slot = 12; slot <= 1010; slot++) headers.note(await signed({ slot }));
    expect(headers.note(young).isNew).to.equal(false);
    expect(headers.note(old).isNew).to.equal(true);
  });
});
