import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { EvidenceDesk } from '../../../../../services/app/channels/evidence/EvidenceDesk.ts';
import { readEvidencePolicy } from '../../../../../services/app/channels/evidence/evidencePolicy.ts';
import { toHex } from '../../../../../services/core/bytes.ts';
import { systemClock } from '../../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../../services/lib/logger.ts';
import { expectCode } from '../../../../support/expectCode.ts';
import { temporaryFolder } from '../../../../support/temporaryFolder.ts';
import { alice, crypto, network } from '../../../core/channels/channelKit.ts';
import { channelA, declare } from '../../../store/channels/vaultKit.ts';

describe('a small upload that comes in one request', () => {
  for (const unique of [false, true]) {
    it(`is described on the disk ${unique ? 'at once where it must be unique' : 'only when it is not paid for some time'}`, async () => {
      await using folder = await temporaryFolder();
      const policy = readEvidencePolicy(
        JSON.stringify({ prices: { perItem: '10', perMebibyte: '0' }, evidence: { unique } }),
      );
      const open = () =>
        EvidenceDesk.open({
          ...{ folder: folder.path, policy, network, crypto, clock: systemClock, logger: silentLogger },
        });
      const desk = await open();
      const described = async (): Promise<string[]> =>
        (await readdir(join(folder.path, 'uploads'))).filter((name) => name.endsWith('.json'));
      const offer = async (text: string) => {
        const declared = declare(Buffer.from(text));
        const { id } = await desk.uploads.create(channelA, declared, undefined, true);
        await desk.uploads.append(channelA, id, 0, [Buffer.from(text)]);
        const upload = { upload: id, digest: declared.digest, count: 1 };
        await desk.judge(upload, { channelId: channelA, requester: alice.address });
        return upload;
      };
      const [paid, unpaid] = [await offer('paid'), await offer('unpaid')];
      expect(await described()).to.have.length(unique ? 2 : 0);
      const bill = { id: toHex(randomBytes(32)), channelId: channelA, digest: paid.digest, count: 1, amount: 10n };
      const terms = { expiry: 2_000_000_000, keyHash: toHex(randomBytes(32)) };
      await desk.keep([{ bill: { ...bill, ...terms }, kind: 'content', statements: [] }]);
      await desk.uploads.describeLate();
      expect(await described()).to.deep.equal([`${unpaid.upload}.json`]);
      // Another process has it, and what was paid is in the evidence store alone.
      const again = await open();
      expect(again.uploads.find(channelA, unpaid.upload).info.taken).to.equal(true);
      await expectCode('upload-unknown', () => again.uploads.find(channelA, paid.upload));
      await desk.close();
      await again.close();
    });
  }
});
