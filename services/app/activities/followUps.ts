import { type Activity, leaversOf, membersOf, trustees, wantsTrust } from '../../core/activities/activity.ts';
import { signTrust } from '../../core/activities/certificate.ts';
import { hasStayed } from '../../core/activities/heads.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { TrustSignatures } from '../../core/activities/message.ts';
import type { Message } from '../../core/activities/parcel.ts';
import { isApproved } from '../../core/activities/takeMembers.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { baseForAdded } from './baseForAdded.ts';
import { carriedOut, withoutLeavers } from './carriedOut.ts';
import type { Draft } from './Draft.ts';

type Parts = Pick<ActivityHost, 'network' | 'signer' | 'store' | 'bodies' | 'crypto'>;

/**
 * What this node says by itself after a message: its own countersignature to its versions, their certificate as soon as all have signed, its
 * voice for what it has proposed, the change of members once that is approved, and the next epoch for those who stay when one leaves.
 */
export async function followUps(parts: Parts, activity: Activity, { id, head }: Message): Promise<Draft[]> {
  const own = parts.signer.address;
  if (!memberOf(membersOf(activity), own)) return [];
  const leavers = leaversOf(activity);
  if (leavers.has(own)) return [];
  const opens = leavers.size > 0 && openerOf(activity, leavers) === own ? [withoutLeavers(activity)] : [];
  switch (head.type) {
    case 'start':
    case 'update':
      if (head.sender !== own || !wantsTrust(activity)) return [];
      return [
        { head: { type: 'countersignature', on: id, signature: await signTrust(parts.network, id, parts.signer) } },
      ];
    case 'countersignature':
      return certificates(parts, activity, [head.on]);
    case 'leave':
      return opens;
    case 'members':
      // The change has come between: it was another epoch in which this node has left.
      if (hasLeftBefore(activity, own)) return [{ head: { type: 'leave' } }];
      // With one member less, no signature may be missing any more.
      return [
        ...opens,
        ...(await baseForAdded(parts, activity, head)),
        ...certificates(parts, activity, [...activity.versions.keys()]),
      ];
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

/** Who opens the next epoch when somebody leaves: one of those who stay, so that not all of them do at once. */
function openerOf(activity: Activity, leavers: ReadonlyMap<Address, Hash>): Address | undefined {
  const staying = membersOf(activity).members.filter(({ address }) => !leavers.has(address));
  const byRole = (role: string) => staying.find((member) => member.role === role);
  return (byRole('initiator') ?? byRole('receiver') ?? staying[0])?.address;
}

function hasLeftBefore(activity: Activity, own: Address): boolean {
  return [...activity.leaves.values()].some((leave) => leave.sender === own && hasStayed(activity, leave));
}

function certificates({ signer }: Pick<Parts, 'signer'>, activity: Activity, versions: readonly Hash[]): Draft[] {
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
