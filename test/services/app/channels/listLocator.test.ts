import { join } from 'node:path';
import { expect } from 'chai';
import { toHex } from '../../../../services/core/bytes.ts';
import { checkStatement } from '../../../../services/core/channels/statement.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { bob, network, parties } from '../../core/channels/channelKit.ts';
import { contentsOf, declare, packOf } from '../../store/channels/vaultKit.ts';
import { deskVerifier } from './deskVerifier.ts';
import { newRequester, throughWire } from './exchangeKit.ts';

const { channelId } = parties(1n, 1_000_000n).verifier;
const locator = 'https://archive.example/lists/7';

describe('a list of digests whose evidence is elsewhere', () => {
  for (const restarted of [false, true]) {
    const when = restarted ? ', also where the verifier began anew after the bill' : '';
    it(`has its place in the verifier's statement, and its kind beside it${when}`, async () => {
      await using folder = await temporaryFolder();
      let side = await deskVerifier(folder.path, undefined, { lists: true });
      const store = await openChannelStore({ dataDir: join(folder.path, 'requester'), logger: silentLogger });
      const wire = throughWire({
        channel: (id) => side.verifier.channel(id),
        show: (id, view) => side.verifier.show(id, view),
        bills: (id, requests) => side.verifier.bills(id, requests),
        withdraw: (id, billId) => side.verifier.withdraw(id, billId),
        close: (request) => side.verifier.close(request),
        evidence: (id, from, limit) => side.verifier.evidence(id, from, limit),
        async update(update) {
          if (restarted && update.adds.length > 0) {
            await side.verifier.stop();
            await side.close();
            side = await deskVerifier(folder.path, undefined, { lists: true });
          }
          return await side.verifier.update(update);
        },
      });
      const requester = await newRequester(store, wire);
      const { digests, root } = packOf(contentsOf(3));
      const alone = Buffer.from('a content of its own');
      const offers = [
        { bytes: digests, declared: { ...declare(digests, root, 'digests'), locator }, count: 3 },
        // Of a content, where it is said to be is of no account: it is here.
        { bytes: alone, declared: { ...declare(alone), locator }, count: 1 },
      ];
      for (const { bytes, declared, count } of offers) {
        const { id } = await side.desk.uploads.create(channelId, declared);
        await side.desk.uploads.append(channelId, id, 0, [bytes]);
        await requester.preserve({ uploads: [id], digest: declared.digest, count, maxAmount: 30n });
      }
      await requester.stop();
      expect(await side.verifier.stop()).to.equal(true);
      const paid = await side.verifier.evidence(channelId, 0, 10);
      expect(paid.map(({ first }) => first.locator)).to.deep.equal([locator, '']);
      for (const { signed, first, second } of paid) {
        checkStatement(network, signed.bill, first, { role: 'verifier', account: bob.address });
        const kind = signed.bill.digest === toHex(root) ? 'digests' : 'content';
        expect(await side.desk.isKept({ bill: signed.bill, kind, statements: [first, second] })).to.equal(true);
        expect((await side.desk.content(channelId, signed.bill.digest))?.kind).to.equal(kind);
      }
      await Promise.all([store.close(), side.close()]);
    });
  }
});
