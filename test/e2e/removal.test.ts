import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Receipt } from '../../services/core/receipt.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import { failedSteps, post, readyProblems, receiptOf, untilIdle, untilProblem } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { type Governor, governorOf } from '../support/governor.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

describe('centres are given other keys and removed while the rest run', () => {
  let consortium: Consortium;
  let governor: Governor;
  /** Of blocks of the centre that is given another key, and of the one that is removed, made before that. */
  const receipts: Receipt[] = [];
  const signer = randomSigner();
  let count = 0;

  before(async () => {
    // The fourth is only there for its keys.
    consortium = await startConsortium({ centres: 4, registered: 3, idle: [3] });
    governor = await governorOf(consortium.chain.rpcUrl, consortium.deployed.registry);
    await untilConnected(consortium.members.slice(0, 3));
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  const made = (): Promise<CheckedRecord> => signedRecord(consortium.network, signer, `removal ${++count}`);
  const untilConnected = (members: readonly Member[]): Promise<unknown> =>
    until('all of them connected with all others', async () =>
      (await Promise.all(members.map(({ url }) => statusOf(url)))).every(
        ({ peers }) => peers.length === members.length - 1 && peers.every(({ connected }) => connected),
      ),
    );

  async function receiptAt(at: Member): Promise<Receipt> {
    const record = await made();
    const { status, body } = await post(at.url, record);
    expect(status, JSON.stringify(body)).to.equal(201);
    return await receiptOf(at.url, record);
  }

  /** A receipt of a block that this centre has published. */
  const receiptBy = (publisher: string, at: Member): Promise<Receipt> =>
    until(`a block of ${publisher}`, async () => {
      const receipt = await receiptAt(at);
      return receipt.block.publisher === publisher && receipt;
    });

  async function expectOldReceiptsValid(url: string): Promise<void> {
    for (const receipt of receipts) {
      expect(await failedSteps({ url, rpcUrl: consortium.chain.rpcUrl }, receipt)).to.deep.equal([]);
    }
  }

  it('one goes on in its data folder with another key, in its place of the committee', async () => {
    const [first, second, third, spare] = consortium.members;
    const three = [first!, second!, third!];
    receipts.push(await receiptBy(third!.address, first!));
    await third!.stop();
    const { account, encryptionKey, noteKey } = spare!.entry;
    await governor.rotate(third!.address, { ...third!.entry, account, encryptionKey, noteKey });
    await rm(join(third!.dataDir, 'keystore'), { recursive: true });
    await cp(join(spare!.dataDir, 'keystore'), join(third!.dataDir, 'keystore'), { recursive: true });
    await third!.start();
    await untilConnected(three);
    const { centre } = await statusOf(third!.url);
    expect(centre).to.equal(spare!.address);
    await untilIdle(third!.url);
    const receipt = await receiptBy(spare!.address, first!);
    expect(receipt.signatures.map((signature) => signature.signer)).not.to.include(third!.address);
    await expectOldReceiptsValid(first!.url);
  });

  it('one that is removed is cut off by all, and what it has published stays valid', async () => {
    const [first, second, third] = consortium.members;
    const rest = [first!, third!];
    receipts.push(await receiptBy(second!.address, first!));
    await governor.remove(second!.address);
    const said = untilProblem(second!.url, 'not-in-committee');
    await until('nobody connected with the removed one', async () => {
      const [one, other, removed] = await Promise.all([...rest, second!].map(({ url }) => statusOf(url)));
      const others = [...one!.peers, ...other!.peers];
      return (
        others.every(({ address }) => address !== second!.address) &&
        removed!.peers.every(({ connected }) => !connected)
      );
    });
    expect(await said).to.include('is removed in the registry');
    const refused = await post(second!.url, await made());
    expect(refused.status, JSON.stringify(refused.body)).to.equal(503);
    expect(refused.body).to.include({ code: 'not-ready' });

    for (const member of rest) await receiptAt(member);
    // A slot in which the two knew different epochs had no quorum: that is over with the next look at the chain.
    await until('no problem is left', async () =>
      (await Promise.all(rest.map(({ url }) => readyProblems(url)))).every(({ length }) => length === 0),
    );
    await expectOldReceiptsValid(first!.url);
  });
});
