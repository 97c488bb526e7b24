import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { EvidenceKeeper } from './EvidenceKeeper.ts';
import type { EvidenceDesk } from './evidence/EvidenceDesk.ts';
import { type EvidencePolicy, evidencePrice } from './evidence/evidencePolicy.ts';

/** Where a verifier has its evidence judged, priced and kept: by the desk and its policy. */
export function evidenceKeeper(parts: {
  readonly desk: EvidenceDesk;
  readonly policy: EvidencePolicy;
  readonly requesterOf: (channelId: Hash) => Promise<Address>;
}): EvidenceKeeper {
  const { desk, policy, requesterOf } = parts;
  return {
    async judge(channelId, uploads, signal, checkPrice) {
      const [upload] = uploads;
      if (uploads.length !== 1 || upload === undefined)
        throw new NotariumError('upload-invalid', 'a bill is for one upload; many contents go as a pack');
      const { declared, arrived } = desk.uploads.find(channelId, upload).info;
      const offered = { upload, digest: declared.digest, count: arrived?.count ?? 1 };
      if (arrived) await checkPrice?.(declared.digest, evidencePrice(policy, arrived.count, declared.sizeBytes));
      const by = { channelId, requester: await requesterOf(channelId) };
      const { digest, count, kind, sizeBytes, locator } = await desk.judge(offered, by, signal);
      return { digest, count, kind, sizeBytes, locator, price: evidencePrice(policy, count, sizeBytes) };
    },
    keep: (items) => desk.keep(items),
    requireHere: (bills) => desk.requireHere(bills.map(({ digest }) => digest)),
    isKept: (item) => desk.isKept(item),
    release: (channelId, digest) => desk.release(channelId, digest),
  };
}
