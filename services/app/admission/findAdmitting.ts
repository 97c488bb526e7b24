import type { Address, Hex } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import type { ProposalProjection } from '../governance/projections.ts';
import type { AdmissionParts } from './AdmissionParts.ts';

const pageSize = 100;
/** An application is good for some weeks: what is so many proposals back is about none that could be admitted now. */
const scanLimit = 1_000;

/** Looks proposals up by the candidate and the application that they admit; see {@link readAdmitting}. */
export type Admitting = (candidate: Address, application: Hex) => ProposalProjection | undefined;

/**
 * The newest proposal to admit each application, as the confirmed events have them: one that its proposer has taken back only
 * where there is no other.
 */
export async function readAdmitting(
  parts: Pick<AdmissionParts, 'store' | 'governance' | 'network' | 'signer'>,
): Promise<Admitting> {
  const { store, governance, network, signer } = parts;
  const byCall = new Map<Hex, ProposalProjection>();
  let beforeSeq: number | undefined;
  for (let scanned = 0; scanned < scanLimit; scanned += pageSize) {
    const before = beforeSeq === undefined ? {} : { beforeSeq };
    const rows = await store.projections({ kind: 'proposal', ...before, limit: pageSize });
    for (const { body } of rows) {
      const proposal = body as ProposalProjection;
      if (proposal.kind !== 'admission') continue;
      for (const call of proposal.calls) {
        const newer = byCall.get(call);
        if (!newer || (newer.canceled && !proposal.canceled)) byCall.set(call, proposal);
      }
    }
    if (rows.length < pageSize) break;
    beforeSeq = rows.at(-1)!.seq;
  }
  return (account, application) => {
    // A content only in form: its effect is all that calls are made of.
    const content = { format: 'notarium-proposal/1', network: networkName(network), title: '', text: '' } as const;
    const effect = { steps: [{ do: 'admit' as const, account, application: application as Address }] };
    const named = { ...content, time: '', proposer: signer.address, kind: 'admission' as const, effect };
    return byCall.get(governance.callsOf(named)[0]!);
  };
}
