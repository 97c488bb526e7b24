import { expect } from 'chai';
import { aggregateRoot } from '../../../services/core/aggregate.ts';
import { concat, type Hash, toHex } from '../../../services/core/bytes.ts';
import { EvidenceHash } from '../../../services/lib/EvidenceHash.ts';
import { expectCode } from '../../support/expectCode.ts';
import { contentsOf, packOf, sha256Of } from '../store/channels/vaultKit.ts';

/** What the bytes are by a digest, when they come in pieces. */
function kindOf(bytes: Uint8Array, digest: Uint8Array, piece = 7): string {
  const hash = new EvidenceHash(bytes.length);
  for (let at = 0; at < bytes.length; at += piece) hash.update(bytes.subarray(at, at + piece));
  return hash.kindOf(toHex(digest));
}

describe('EvidenceHash', () => {
  const pack = packOf(contentsOf(5));
  const list = concat(...contentsOf(3).map(sha256Of));

  it('knows a content, a pack and a list by their digests', () => {
    expect(kindOf(Buffer.from('text'), sha256Of(Buffer.from('text')))).to.equal('content');
    expect(kindOf(new Uint8Array(), sha256Of(new Uint8Array()))).to.equal('content');
    expect(kindOf(pack.bytes, pack.root)).to.equal('pack');
    expect(kindOf(pack.bytes, sha256Of(pack.bytes), 1 << 20)).to.equal('content');
    expect(kindOf(list, aggregateRoot(list))).to.equal('digests');
    expect(kindOf(list, sha256Of(list))).to.equal('content');
  });

  it('refuses what is none of them', async () => {
    const altered = Uint8Array.from(pack.bytes);
    altered[altered.length - 1]! ^= 1;
    const cases: [Uint8Array, Uint8Array][] = [
      [Buffer.from('texT'), sha256Of(Buffer.from('text'))],
      [altered, pack.root],
      [pack.bytes.subarray(0, -1), pack.root],
      [list.subarray(32), aggregateRoot(list)],
    ];
    for (const [bytes, digest] of cases) {
      const error = await expectCode('evidence-corrupt', () => kindOf(bytes, digest));
      expect(error.data).to.deep.equal({ digest: toHex(digest), have: toHex(sha256Of(bytes)) satisfies Hash });
    }
  });
});
