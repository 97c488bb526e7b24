import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { VerifierApi } from '../../../../services/app/channels/VerifierApi.ts';
import { statementDigest } from '../../../../services/core/channels/statement.ts';
import type { FoldedBill } from '../../../../services/core/channels/update.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { bob, hashOf, network } from '../../core/channels/channelKit.ts';
import { itemOf, newRequester, newVerifier, throughWire } from './exchangeKit.ts';

const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `item ${from + at}`);
const kept = 5;
const all = 310;

/** A verifier, and the folder of its requester as it was after the first few bills of many. */
async function afterLoss(folder: string) {
  const open = (who: string) => openChannelStore({ dataDir: join(folder, who), logger: silentLogger });
  const theirs = await open('verifier');
  const verifier = newVerifier(theirs);
  const preserve = async (from: number, to: number): Promise<void> => {
    const mine = await open('requester');
    const requester = await newRequester(mine, throughWire(verifier));
    await Promise.all(names(from, to).map((name) => requester.preserve(itemOf([name]))));
    await requester.stop();
    await mine.close();
  };
  await preserve(0, kept);
  await cp(join(folder, 'requester'), join(folder, 'backup'), { recursive: true });
  await preserve(kept, all);
  return { verifier, open, close: () => theirs.close() };
}

/** Changes one leaf of all that the verifier gives. */
const altered = (at: number, change: (bill: FoldedBill) => FoldedBill) => (items: FoldedBill[]) =>
  items.map((bill) => (bill.leafIndex === at ? change(bill) : bill));

describe('lost bills', () => {
  it('come back from the verifier, each where it was, and none is paid again', async () => {
    await using folder = await temporaryFolder();
    const { verifier, open, close } = await afterLoss(folder.path);
    const pages: [number, number][] = [];
    const wire = throughWire(verifier);
    const api: VerifierApi = {
      ...wire,
      evidence(id, from, limit) {
        pages.push([from, limit]);
        return wire.evidence(id, from, limit);
      },
    };
    let mine = await open('backup');
    let requester = await newRequester(mine, api);
    const { channelId } = requester.party;
    const leaves = async () => {
      const rows = await mine.evidence(channelId, 0, 1000);
      return rows.map(({ leafIndex, signed, key, first, second }) => ({ leafIndex, signed, key, first, second }));
    };
    const theirs = (await verifier.evidence(channelId, 0, 256)).concat(await verifier.evidence(channelId, 256, 256));
    expect(theirs).to.have.length(all);
    expect(await requester.recover()).to.equal(all - kept);
    expect(await leaves()).to.deep.equal(theirs);
    // Only what was missing, and no more at a time than a page.
    const lost = [
      [kept, 256],
      [kept + 256, all - kept - 256],
    ];
    expect(pages).to.deep.equal([...lost, ...lost]);
    expect(await requester.recover()).to.equal(0);
    expect(names(0, all).some((name) => requester.resume(itemOf([name])))).to.equal(false);
    await requester.preserve(itemOf(['after']));
    await requester.stop();
    await mine.close();

    mine = await open('backup');
    requester = await newRequester(mine, api);
    expect(await requester.recover()).to.equal(0);
    const { evidenceCount, verifierBalance } = (await requester.closeTogether()).closing;
    expect([evidenceCount, verifierBalance]).to.deep.equal([all + 1, 10n * BigInt(all + 1)]);
    await requester.stop();
    await Promise.all([mine.close(), close()]);
  });

  it('are not taken from a verifier that lies about them', async () => {
    await using folder = await temporaryFolder();
    const { verifier, open, close } = await afterLoss(folder.path);
    const mine = await open('backup');
    const wire = throughWire(verifier);
    let lie = (items: FoldedBill[], _from: number): FoldedBill[] => items.slice(1);
    const requester = await newRequester(mine, {
      ...wire,
      evidence: async (id, from, limit) => lie(await wire.evidence(id, from, limit), from),
    });
    const { channelId } = requester.party;
    const [other] = await verifier.evidence(channelId, 0, 1);
    const swap = (items: FoldedBill[]): FoldedBill[] => {
      const [one, two, ...rest] = items as [FoldedBill, FoldedBill];
      return [{ ...two, leafIndex: one.leafIndex }, { ...one, leafIndex: two.leafIndex }, ...rest];
    };
    const forged = ({ signed: { bill } }: FoldedBill) => {
      const second = { role: 'requester' as const, locator: '', publicKey: bob.publicKey };
      return { ...second, signature: bob.sign(statementDigest(network, bill, second)) };
    };
    let calls = 0;
    const lies: Record<string, typeof lie> = {
      'one is left out': (items) => items.slice(1),
      'none at all': () => [],
      'more than were asked for': (items) => [...items, { ...items.at(-1)!, leafIndex: items.at(-1)!.leafIndex + 1 }],
      'another order': swap,
      'one twice': altered(kept + 1, (bill) => ({ ...other!, leafIndex: bill.leafIndex })),
      'another amount': altered(kept, (bill) => ({
        ...bill,
        signed: { ...bill.signed, bill: { ...bill.signed.bill, amount: 9n } },
      })),
      'another key': altered(all - 1, (bill) => ({ ...bill, key: hashOf('no key') })),
      'the first statement is the second': altered(kept, (bill) => ({ ...bill, first: bill.second })),
      'a second statement that we have not made': altered(kept, (bill) => ({ ...bill, second: forged(bill) })),
      'another one the second time': (items, from) => (from === kept && ++calls === 2 ? swap(items) : items),
    };
    for (const [what, told] of Object.entries(lies)) {
      lie = told;
      await expectCode('channel-evidence-mismatch', requester.recover());
      expect(await mine.evidence(channelId, 0, 1000), what).to.have.length(kept);
    }
    lie = (items) => items;
    expect(await requester.recover()).to.equal(all - kept);
    expect(await mine.evidence(channelId, 0, 1000)).to.have.length(all);
    await requester.stop();
    await Promise.all([mine.close(), close()]);
  });
});
