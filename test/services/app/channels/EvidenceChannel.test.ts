import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { EvidenceChannel, type EvidenceChannelParts } from '../../../../services/app/channels/EvidenceChannel.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { sha256 } from '../../../../services/core/sha256.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

describe('EvidenceChannel', () => {
  for (const ends of ['it is stopped', 'its signal aborts'] as const) {
    it(`waits no longer for a verifier that says nothing when ${ends}`, async () => {
      await using folder = await temporaryFolder();
      const waits = Promise.withResolvers<void>();
      const over = new AbortController();
      let isStopped = false;
      const parts: Partial<EvidenceChannelParts> = {
        folder: folder.path,
        signal: over.signal,
        recover: async () => undefined,
        leafOf: async () => undefined,
        // A bill of an earlier run, which is never paid.
        resume: () => {
          waits.resolve();
          return new Promise(() => undefined);
        },
        stop: async () => {
          isStopped = true;
        },
      };
      const channel = await EvidenceChannel.open(parts as EvidenceChannelParts);
      const path = join(folder.path, 'content');
      await writeFile(path, 'content');
      const digest = toHex(sha256(Buffer.from('content')));
      const sending = channel.sendHashed([{ path, digest, sizeBytes: 7 }]);
      sending.catch(() => undefined);
      await waits.promise;
      const reason = new Error('the caller has had enough');
      if (ends === 'its signal aborts') over.abort(reason);
      await channel.stop();
      expect(isStopped).to.equal(true);
      if (ends === 'its signal aborts') expect(await sending.catch((error: unknown) => error)).to.equal(reason);
      else await expectCode('channel-state', sending);
    });
  }
});
