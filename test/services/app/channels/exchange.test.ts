import { expect } from 'chai';
import { concat, fromHex, toHex } from '../../../../services/core/bytes.ts';
import { treeRoot } from '../../../../services/core/log/compactRange.ts';
import { leafHash } from '../../../../services/core/sha256.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { itemOf, memoryEvidence, newRequester, newVerifier, throughWire } from './exchangeKit.ts';

async function stores() {
  const folder = await temporaryFolder();
  const open = (who: string) => openChannelStore({ dataDir: `${folder.path}/${who}`, logger: silentLogger });
  return { folder, open };
}

const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `item ${from + at}`);

describe('the exchange, both ends and their disks', () => {
  it('preserves many pieces of evidence and batches, and closes', async () => {
    const { folder, open } = await stores();
    await using _ = folder;
    const [mine, theirs] = [await open('requester'), await open('verifier')];
    const evidence = memoryEvidence();
    const verifier = newVerifier(theirs, { evidence });
    const requester = await newRequester(mine, throughWire(verifier));
    const preserved = await Promise.all([
      ...names(0, 300).map((name) => requester.preserve(itemOf([name]))),
      requester.preserve(itemOf(names(1000, 1500))),
    ]);
    await expectCode('evidence-refused', requester.preserve(itemOf(['refused'])));
    await expectCode('bill-mismatch', requester.preserve(itemOf(['dear'], 9n)));
    const { channelId } = requester.party;
    const { evidenceRoot, evidenceCount, verifierBalance } = (await requester.closeTogether()).closing;
    expect([evidenceCount, verifierBalance]).to.deep.equal([301, 3010n]);
    const leaves = (await verifier.evidence(channelId, 0, 256)).concat(await verifier.evidence(channelId, 256, 256));
    const digests = leaves.map(({ signed }) => leafHash(fromHex(signed.bill.digest)));
    expect(toHex(treeRoot(concat(...digests)))).to.equal(evidenceRoot);
    for (const { signed, leafIndex, key, first, second } of preserved)
      expect(leaves[leafIndex]).to.deep.equal({ leafIndex, signed, key, first, second });
    // The same again; nothing else any more.
    expect((await requester.closeTogether()).closing.evidenceCount).to.equal(301);
    await expectCode('channel-state', requester.preserve(itemOf(['late'])));
    const [answer] = await verifier.bills(channelId, [itemOf(['late'])]);
    expect(answer).to.have.nested.property('problem.code', 'channel-state');
    await requester.stop();
    await verifier.stop();
    expect(evidence.kept.size).to.equal(301);
    for (const roles of evidence.kept.values()) expect(roles).to.deep.equal(['verifier', 'requester']);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('goes on after silence, lost answers and starts of either side', async () => {
    const { folder, open } = await stores();
    await using _ = folder;
    let [mine, theirs] = [await open('requester'), await open('verifier')];
    let verifier = newVerifier(theirs);
    let calls = 0;
    const api = throughWire(
      new Proxy({} as typeof verifier, {
        get: (_target, name) => {
          const method = verifier[name as 'update'];
          return typeof method === 'function' ? method.bind(verifier) : method;
        },
      }),
      (call) => {
        if (++calls % 3 === 0 && call !== 'channel') throw new Error(`${call} is lost`);
      },
    );
    let requester = await newRequester(mine, api);
    const first = requester.preserve(itemOf(['a']));
    await Promise.all([first, ...names(0, 100).map((name) => requester.preserve(itemOf([name])))]);
    // The verifier starts anew in the middle of it.
    const more = names(100, 200).map((name) => requester.preserve(itemOf([name])));
    await more[0];
    await verifier.stop();
    verifier = newVerifier(theirs);
    await Promise.all(more);
    const late = names(200, 300);
    const ends = late.map((name) => requester.preserve(itemOf([name])).catch((error: Error) => error));
    await ends[0];
    await requester.stop();
    const lost = (await Promise.all(ends)).flatMap((end, at) => (end instanceof Error ? [itemOf([late[at]!])] : []));
    await mine.close();
    mine = await open('requester');
    requester = await newRequester(mine, api);
    // What had a bill when it stopped is paid by that one, and none is paid twice.
    for (const item of lost) {
      const begun = await requester.resume(item);
      if (begun) expect(begun.signed.bill.digest).to.equal(item.digest);
      const isPaid = (await mine.billsOf(requester.party.channelId, item.digest)).some(
        ({ leafIndex }) => leafIndex !== undefined,
      );
      if (!isPaid) await requester.preserve(item);
    }
    expect(requester.resume(itemOf(['never seen']))).to.equal(undefined);
    await requester.preserve(itemOf(['after all']));
    const { evidenceCount, verifierBalance } = (await requester.closeTogether()).closing;
    expect([evidenceCount, verifierBalance]).to.deep.equal([302, 3020n]);
    await requester.stop();
    await verifier.stop();
    await Promise.all([mine.close(), theirs.close()]);
  });
});
