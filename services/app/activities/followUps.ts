import { type Activity, membersOf, recipientsOf, trustees, wantsTrust } from '../../core/activities/activity.ts';
import { signTrust } from '../../core/activities/certificate.ts';
import { leaversOf, takesPart } from '../../core/activities/decided.ts';
import { isForked } from '../../core/activities/forks.ts';
import type { TrustSignatures } from '../../core/activities/message.ts';
import type { Message } from '../../core/activities/parcel.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { baseForAdded } from './baseForAdded.ts';
import { dueFor } from './carriedOut.ts';
import type { Draft } from './Draft.ts';
import { saidAgain } from './saidAgain.ts';

type Parts = Pick<ActivityParts, 'network' | 'signer' | 'store' | 'bodies' | 'crypto'>;

/**
 * What this node says by itself after a message, and has not said yet: its own countersignature to its versions, their certificate as soon as all have signed, its
 * voice for what it has proposed, the change of members once that is approved, and the next epoch for those who stay when one leaves. With one
 * member less many versions may lack no signature any more: for these see `LateCertificates`.
 */
export async function followUps(parts: Parts, activity: Activity, { id, head }: Message): Promise<Draft[]> {
  const { network, signer } = parts;
  const own = signer.address;
  if (!takesPart(activity, own)) return [];
  // Nobody knows which of the two others go by: whoever leaves is let go, and nothing else is said.
  if (isForked(activity)) return head.type === 'leave' || head.type === 'members' ? ownDue(activity, own) : [];
  switch (head.type) {
    case 'start':
    case 'update': {
      if (head.sender !== own || !wantsTrust(activity)) return [];
      if (activity.countersignatures.get(id)?.has(own)) return [];
      const members = recipientsOf(activity, head);
      return [
        {
          head: {
            type: 'countersignature',
            on: id,
            signature: await signTrust(network, { message: id, members }, signer),
          },
        },
      ];
    }
    case 'countersignature':
      return certificatesOf(activity, [head.on], (version) => makerOf(activity, version) === own).map(
        ({ draft }) => draft,
      );
    case 'leave':
    case 'vote':
      return ownDue(activity, own);
    case 'members':
      return [...saidAgain(activity, own), ...ownDue(activity, own), ...(await baseForAdded(parts, activity, head))];
    case 'proposal':
      return head.sender === own && !hasVoted(activity, id, own)
        ? [{ head: { type: 'vote', on: id, approve: true } }]
        : [];
    default:
      return [];
  }
}

function hasVoted({ proposals }: Activity, id: Hash, own: Address): boolean {
  return [...(proposals.get(id)?.votes.values() ?? [])].some(({ sender }) => sender === own);
}

/** The first thing that this node is to do; with the epoch that it makes, it is asked again. */
function ownDue(activity: Activity, own: Address): Draft[] {
  const due = dueFor(activity, own).find(({ by }) => by === own);
  return due ? [due.draft()] : [];
}

/** Who makes the certificate of a version first: its sender, or one of those who stay. Each signature is good by itself, so anybody may. */
export function makerOf(activity: Activity, version: Hash): Address | undefined {
  const { sender } = activity.versions.get(version)!;
  const leavers = leaversOf(activity);
  const staying = membersOf(activity).members.filter(({ address }) => !leavers.has(address));
  return staying.some(({ address }) => address === sender) ? sender : staying[0]?.address;
}

/** The certificates of those versions that all have signed, and that have none; or none that counts. */
export function certificatesOf(
  activity: Activity,
  versions: readonly Hash[],
  isWanted: (version: Hash) => boolean,
  isMade = (version: Hash): boolean => activity.certificates.has(version),
): { readonly on: Hash; readonly draft: Draft }[] {
  if (!wantsTrust(activity) || isForked(activity)) return [];
  return versions.flatMap((on) => {
    const version = activity.versions.get(on);
    if (!version || isMade(on)) return [];
    const want = trustees(activity, version, activity.group);
    const signed = activity.countersignatures.get(on);
    const signatures: TrustSignatures = want.flatMap((member) => {
      const signature = signed?.get(member);
      return signature ? [{ member, signature }] : [];
    });
    if (signatures.length < want.length || signatures.length === 0 || !isWanted(on)) return [];
    const members = recipientsOf(activity, version);
    return [{ on, draft: { head: { type: 'certificate' as const, on, members, signatures } } }];
  });
}
