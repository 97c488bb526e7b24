import { join } from 'node:path';
import { evidenceKeeper } from '../../../../services/app/channels/deskKeeper.ts';
import type { EvidenceKeeper } from '../../../../services/app/channels/EvidenceKeeper.ts';
import { EvidenceDesk } from '../../../../services/app/channels/evidence/EvidenceDesk.ts';
import { readEvidencePolicy } from '../../../../services/app/channels/evidence/evidencePolicy.ts';
import type { VerifierParts } from '../../../../services/app/channels/VerifierParts.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { alice, crypto, network } from '../../core/channels/channelKit.ts';
import { newVerifier } from './exchangeKit.ts';

/** A verifier on a folder, with its evidence there; `changes` are those of what keeps it, `evidence` what its policy says of that. */
export async function deskVerifier(
  folder: string,
  changes: (keeper: EvidenceKeeper) => Partial<EvidenceKeeper> = () => ({}),
  evidence: object = {},
  more: Partial<VerifierParts> = {},
) {
  const policy = readEvidencePolicy(JSON.stringify({ prices: { perItem: '10', perMebibyte: '0' }, evidence }));
  const desk = await EvidenceDesk.open({
    ...{ folder: join(folder, 'channels'), policy, network, crypto, clock: systemClock, logger: silentLogger },
  });
  const store = await openChannelStore({ dataDir: join(folder, 'verifier'), logger: silentLogger });
  const keeper = evidenceKeeper({ desk, policy, requesterOf: async () => alice.address });
  const verifier = newVerifier(store, { evidence: { ...keeper, ...changes(keeper) }, ...more });
  return {
    ...{ desk, store, verifier },
    async close() {
      await desk.close();
      await store.close();
    },
  };
}
