import { createKit } from './support/anchorKit.ts';
describe('gas', () => {
  it('x', async () => {
    for (const [size, extra] of [[1,[]],[4,[]],[4,[0,1,2,3]],[7,[]],[16,[]]] as [number, number[]][]) {
      const kit = await createKit({ size, periodSeconds: 2 });
      const a = kit.blockOn(undefined, { treeSize: 1n });
      const ra = await kit.mined(a);
      const b = kit.blockOn(a.header, { treeSize: 2n }, extra.length ? { signers: extra } : {});
      const rb = await kit.mined(b);
      const c = kit.blockOn(b.header, { treeSize: 1_000_000n });
      const rc = await kit.mined(c);
      const d = kit.blockOn(c.header, { treeSize: 1_000_100n });
      const rd = await kit.mined(d);
      const e = kit.blockOn(d.header, { treeSize: (1n<<20n)-1n });
      await kit.mined(e);
      const f = kit.blockOn(e.header, { treeSize: (1n<<20n)+3n });
      const rf = await kit.mined(f);
      const rg = await kit.mined(f);
      console.log(size, 'first', ra.gasUsed, 'second', rb.gasUsed, rd.gasUsed, d.proof.length, rd.gasUsed-rb.gasUsed, rf.gasUsed, f.proof.length, rg.gasUsed);
    }
  });
});
