import { join } from 'node:path';
import { expect } from 'chai';
import type { Requester } from '../../../../services/app/channels/Requester.ts';
import { SendLedger } from '../../../../services/app/channels/send/SendLedger.ts';
import { type FileToSend, sendFiles } from '../../../../services/app/channels/send/sendFiles.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { ChannelStore } from '../../../../services/store/channels/ChannelStore.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { hashOf } from '../../core/channels/channelKit.ts';
import { newRequester, newVerifier, throughWire } from './exchangeKit.ts';

const fileOf = (path: string, text: string): FileToSend => ({
  ...{ path, digest: hashOf(text), sizeBytes: text.length, receiptPath: `${path}.receipt.json` },
});

describe('a pack of which a file has changed', () => {
  for (const last of ['its bill had come', 'its bill was locked'] as const) {
    it(`is paid as it was when ${last} before the process ended, and nothing of it twice`, async () => {
      await using folder = await temporaryFolder();
      const open = (who: string) => openChannelStore({ dataDir: join(folder.path, who), logger: silentLogger });
      const [theirs, texts] = [await open('verifier'), ['one', 'two', 'three', 'changed']];
      const verifier = newVerifier(theirs);
      const digests = new Map(texts.map((text) => [hashOf(text), text]));
      const send = async (requester: Requester, mine: ChannelStore, files: FileToSend[]) =>
        await sendFiles(
          {
            ledger: await SendLedger.open(join(folder.path, 'sent.jsonl')),
            isPreserved: async (bill) =>
              (await mine.billsOf(requester.party.channelId, bill)).some(({ leafIndex }) => leafIndex !== undefined),
            resume: (bill) => requester.resume(bill),
            upload: async ({ members }) => members.map(({ digest }) => digests.get(digest)!).join(' '),
            async preserve({ digest, members }, upload) {
              const count = members.length;
              await requester.preserve({ uploads: upload.split(' '), digest, count, maxAmount: 10n });
            },
          },
          files,
        );
      let mine = await open('requester');
      let isGone = false;
      const api = throughWire(verifier, (call, when) => {
        isGone ||= call === 'update' && when === (last === 'its bill had come' ? 'before' : 'after');
        if (isGone) throw new Error('silence');
      });
      let requester = await newRequester(mine, api);
      const sending = send(requester, mine, [fileOf('a', 'one'), fileOf('b', 'two'), fileOf('c', 'three')]);
      await until('a bill', () => isGone);
      await requester.stop();
      const first = await sending;
      expect(first.map(({ status }) => status)).to.deep.equal(['failed', 'failed', 'failed']);
      await mine.close();

      isGone = false;
      mine = await open('requester');
      requester = await newRequester(mine, throughWire(verifier));
      const files = [fileOf('a', 'one'), fileOf('b', 'changed'), fileOf('c', 'three')];
      const outcomes = await send(requester, mine, files);
      expect(outcomes.map(({ status }) => status)).to.not.include('failed');
      const paid = await verifier.evidence(requester.party.channelId, 0, 10);
      expect(paid.map(({ signed }) => signed.bill.count).sort()).to.deep.equal([1, 3]);
      expect(paid.find(({ signed }) => signed.bill.count === 1)?.signed.bill.digest).to.equal(hashOf('changed'));
      expect((await requester.closeTogether()).closing.verifierBalance).to.equal(20n);
      await requester.stop();
      await Promise.all([mine.close(), theirs.close()]);
    });
  }
});
