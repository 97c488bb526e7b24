import { type Activity, membersOf, trustees, wantsTrust } from '../../core/activities/activity.ts';
import { signTrust } from '../../core/activities/certificate.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { TrustSignatures } from '../../core/activities/message.ts';
import type { Message } from '../../core/activities/parcel.ts';
import { isApproved } from '../../core/activities/takeMembers.ts';
import type { Hash } from '../../core/bytes.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { carriedOut } from './carriedOut.ts';
import type { Draft } from './Draft.ts';

type Parts = Pick<ActivityHost, 'network' | 'signer'>;

/**
 * What this node says by itself after a message: its own countersignature to its versions, their certificate as soon as all have signed, its
 * voice for what it has proposed, and the change of members once that is approved.
 */
export async function followUps(parts: Parts, activity: Activity, { id, head }: Message): Promise<Draft[]> {
  const own = parts.signer.address;
  if (!memberOf(membersOf(activity), own)) return [];
  switch (head.type) {
    case 'start':
    case 'update':
      if (head.sender !== own || !wantsTrust(activity)) return [];
      return [
        { head: { type: 'countersignature', on: id, signature: await signTrust(parts.network, id, parts.signer) } },
      ];
    case 'countersignature':
      return certificates(parts, activity, [head.on]);
    case 'members':
      // With one member less, no signature may be missing any more.
      return certificates(parts, activity, [...activity.versions.keys()]);
    case 'proposal':
      return head.sender === own ? [{ head: { type: 'vote', on: id, approve: true } }] : [];
    case 'vote':
      return (await isOwnProposal(activity, head.on)) ? [carriedOut(activity, head.on)] : [];
    default:
      return [];
  }

  async function isOwnProposal(now: Activity, on: Hash): Promise<boolean> {
    const proposal = now.proposals.get(on);
    if (!proposal || proposal.sender !== own || proposal.group !== now.group) return false;
    return isApproved(now, proposal, membersOf(now));
  }
}

function certificates({ signer }: Parts, activity: Activity, versions: readonly Hash[]): Draft[] {
  if (!wantsTrust(activity)) return [];
  return versions.flatMap((on) => {
    const version = activity.versions.get(on);
    if (version?.sender !== signer.address || activity.certificates.has(on)) return [];
    const signed = activity.countersignatures.get(on);
    const signatures: TrustSignatures = trustees(activity, version, activity.group)
      .toSorted()
      .flatMap((member) => {
        const signature = signed?.get(member);
        return signature ? [{ member, signature }] : [];
      });
    const isWhole = signatures.length === trustees(activity, version, activity.group).length;
    return isWhole && signatures.length > 0 ? [{ head: { type: 'certificate' as const, on, signatures } }] : [];
  });
}
