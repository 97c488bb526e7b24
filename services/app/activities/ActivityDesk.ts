import type { Readable } from 'node:stream';
import type { TrustCertificate } from '../../core/activities/certificate.ts';
import type { Attachment } from '../../core/activities/contents.ts';
import type { Credential } from '../../core/activities/credential.ts';
import type { DeviceStatement } from '../../core/activities/deviceStatement.ts';
import type { Fork } from '../../core/activities/forks.ts';
import type { Member, MemberRole } from '../../core/activities/members.ts';
import type { ActivityTerms, HeadType, MemberChange } from '../../core/activities/message.ts';
import type { Parcel } from '../../core/activities/parcel.ts';
import type { Seal } from '../../core/activities/sealed.ts';
import type { Address, Hash, RecordId } from '../../core/bytes.ts';

/** Who asks: a client by the id of its API key, which sees its own activities alone; the operator, without one, sees all. */
export type ActivityCaller = { readonly client?: string };

/** A node by its name, address (also as `eip155:<chain>:<address>`) or endpoint. */
export type Party = string;

/** What a message says: a JSON body and files that were put before, or what a device has made of both. */
export type Contents =
  | {
      readonly body: unknown;
      /** Notarised as salted digests of its fields, so that each can be shown without the others: of all, or of those named. */
      readonly fields?: true | readonly string[];
      readonly attachments?: readonly Attachment[];
      readonly device?: never;
    }
  | { readonly device: DeviceStatement; readonly body?: never };

/** What an activity begins with. */
export type StartRequest = Contents & {
  /** Drawn by the device, and by it alone, for the id: see `deviceSalt`. */
  readonly salt?: Hash;
  readonly kind: ActivityTerms['kind'];
  readonly request: ActivityTerms['request'];
  /** History for those who join later, by a majority, where left out. */
  readonly rules?: Partial<ActivityTerms['rules']>;
  readonly schema?: ActivityTerms['schema'];
  readonly receivers: readonly Party[];
  readonly regulators?: readonly Party[];
};

/** A party that is to be a member. */
export type AskedMember = { readonly party: Party; readonly role: MemberRole };

/** Who comes and who goes. */
export type AskedMembers = { readonly add?: readonly AskedMember[]; readonly remove?: readonly Party[] };

/** A message that was sent. */
export type SentMessage = { readonly activity: Hash; readonly message: Hash };

/** A version with what the members have said of it. */
export type VersionView = {
  readonly id: Hash;
  readonly number: number;
  readonly builds: readonly Hash[];
  readonly sender: Address;
  readonly countersigned: readonly Address[];
  /** How many members it went to, its sender among them; some may be out since. */
  readonly recipients: number;
  /** Members whose countersignature its certificate still needs; none where nobody is asked. */
  readonly unsigned: readonly Address[];
  /** Message with the certificate. */
  readonly certificate?: Hash;
  /** In the order in which this node has them. */
  readonly notes: readonly Hash[];
};

/** Set where the registry has another key for that node, or none: who has made the member may have put its own there. */
export type KeyMark = { readonly hasOtherKey?: boolean };

/** A change of members that was proposed. */
export type ProposalView = KeyMark & {
  readonly id: Hash;
  readonly change: MemberChange;
  readonly votes: readonly { readonly member: Address; readonly approve: boolean }[];
  readonly isApproved: boolean;
  /** It may still be voted on, or carried out. */
  readonly isOpen: boolean;
};

/** An activity in short. */
export type ActivitySummary = {
  readonly id: Hash;
  readonly kind: ActivityTerms['kind'];
  readonly request: ActivityTerms['request'];
  readonly owner?: string;
  /** This node's own; undefined where it is no member any more. */
  readonly role?: MemberRole;
  /** Who has begun it, a member still or not. */
  readonly initiator: Address;
  /** This node among them. */
  readonly memberCount: number;
  readonly epoch: number;
  /** Members that see it in another way than this node, not for a moment only: see {@link ActivityView.doubts}. */
  readonly doubtCount: number;
  /** Of one of a list the first 256. */
  readonly heads: readonly Hash[];
  readonly createdAt: string;
  readonly changedAt: string;
  readonly messageCount: number;
};

/** One page of activities, the changed last first; `next` is the cursor of the next page. */
export type ActivityPage = { readonly items: readonly ActivitySummary[]; readonly next?: string };

/** An activity as this node has it. */
export type ActivityView = ActivitySummary & {
  readonly terms: ActivityTerms;
  /** Name in the registry, where it has one. */
  readonly members: readonly (Member & KeyMark & { readonly name?: string })[];
  /** Several versions that nobody has brought together yet. */
  readonly isInConflict: boolean;
  readonly versions: readonly VersionView[];
  readonly proposals: readonly ProposalView[];
  /** What members have said in two ways; both are among the messages. After two beginnings nothing more is sent. */
  readonly forks: readonly Fork[];
  /** Members that do not have the same: what is `lacking` here does not come from anybody. */
  readonly doubts: readonly DoubtView[];
  /** Messages that were taken long ago and of which the log has no record, at most 256: nobody else can be shown that they were said. */
  readonly unrecorded: readonly Hash[];
  /** Messages of this node that a member has refused, the newest first, at most 256: the deliveries of each say by whom and why. */
  readonly refused: readonly Hash[];
};

/** How a member sees an activity in another way than this node, and since when. */
export type DoubtView = {
  readonly member: Address;
  readonly kind: 'lacking' | 'unknown' | 'excluded' | 'forked';
  readonly messages: readonly Hash[];
  readonly since: string;
};

/** A message with its contents. */
export type MessageView = {
  readonly id: Hash;
  readonly place: number;
  readonly type: HeadType;
  readonly sender: Address;
  readonly parcel: Parcel;
  readonly seal: Seal;
  /** What the log's record carries. */
  readonly sealDigest: Hash;
  /** The record in the log, once it is there. */
  readonly recordId?: RecordId;
  readonly takenAt: string;
};

/** How far a message has come at a member. */
export type DeliveryView = {
  readonly message: Hash;
  readonly member: Address;
  readonly state: 'queued' | 'delivered' | 'read' | 'countersigned' | 'refused';
  readonly queuedAt: string;
  /** Why it is refused, or was not delivered the last time. */
  readonly problem?: { readonly code: string; readonly detail: string };
};

/** A device's credential, and when it was taken back. */
export type CredentialView = Credential & { readonly revokedAt?: string };

/**
 * What HTTP, the command line and tests may ask of a node about private activities. All methods that name an activity throw NotariumError
 * `activity-unknown` where the caller has no such one; those that send throw `activity-not-member`, `activity-role`,
 * `activity-body-invalid`, `request-too-large`, `attachment-unknown`, `activity-message-invalid`, `device-credential-invalid`, `activity-changed`, `not-ready`,
 * and what the disk says.
 */
export type ActivityDesk = {
  /** Begins an activity. It is on the disk when this resolves. @throws NotariumError `party-unknown`, `party-ambiguous`, `party-unfit`: then nothing was sent. */
  start(by: ActivityCaller, request: StartRequest): Promise<SentMessage>;
  /**
   * A new version in the place of others: of the only one that nothing has replaced by default; of several for a merge.
   * @throws NotariumError `activity-version-stale` with data.heads.
   */
  update(
    by: ActivityCaller,
    activity: Hash,
    update: Contents & { readonly builds?: readonly Hash[] },
  ): Promise<SentMessage>;
  note(by: ActivityCaller, activity: Hash, note: Contents & { readonly on: Hash }): Promise<SentMessage>;
  /** Agrees to a version. @throws NotariumError `activity-trust-unasked`. */
  countersign(by: ActivityCaller, activity: Hash, version: Hash): Promise<SentMessage>;
  /** All members' signatures over a version. @throws NotariumError `not-found` with `data.missing` while there is none. */
  certificate(by: ActivityCaller, activity: Hash, version: Hash): Promise<TrustCertificate>;
  /** The record of a certificate, once it is there. @throws NotariumError `not-found` with `data.missing` while there is no certificate. */
  certificateRecord(by: ActivityCaller, activity: Hash, version: Hash): Promise<RecordId | undefined>;

  /**
   * Puts a change of the members to the vote, with this node's own voice for it; it is carried out as soon as it is approved.
   * @throws NotariumError `request-invalid` where who is to come is a member, or who is to go is none; `party-unknown`, `party-ambiguous`, `party-unfit`.
   */
  propose(
    by: ActivityCaller,
    activity: Hash,
    change: { readonly add: AskedMember } | { readonly remove: Party },
  ): Promise<SentMessage>;
  vote(
    by: ActivityCaller,
    activity: Hash,
    vote: { readonly on: Hash; readonly approve: boolean },
  ): Promise<SentMessage>;
  /** Changes the members at once: the initiator may, or anybody with an approved proposal. */
  changeMembers(
    by: ActivityCaller,
    activity: Hash,
    change: AskedMembers | { readonly proposal: Hash },
  ): Promise<SentMessage>;
  /** This node says nothing more; the others open an epoch of which it never has the secret. */
  leave(by: ActivityCaller, activity: Hash): Promise<SentMessage>;

  /** @param query.begins Those alone whose id begins so: `0x` and digits. */
  list(
    by: ActivityCaller,
    query: { readonly after?: string; readonly begins?: string; readonly limit: number },
  ): Promise<ActivityPage>;
  show(by: ActivityCaller, activity: Hash): Promise<ActivityView>;
  /** In the order in which this node has taken them. */
  messages(
    by: ActivityCaller,
    activity: Hash,
    query: { readonly fromPlace?: number; readonly limit: number },
  ): Promise<MessageView[]>;
  /** @throws NotariumError `not-found` when the activity has no such message. */
  message(by: ActivityCaller, activity: Hash, message: Hash): Promise<MessageView>;
  /** Of one message, or of all. @throws NotariumError `not-found` when the activity has no such message. */
  deliveries(by: ActivityCaller, activity: Hash, message?: Hash): Promise<DeliveryView[]>;
  /** Gives an activity to a client, or back to the operator alone. Only the operator may. */
  give(by: ActivityCaller, activity: Hash, client: string | undefined): Promise<void>;

  /**
   * Encrypts a file as it comes and keeps it; what comes back goes into the contents of a message. A file that no message names goes after a day.
   * @throws NotariumError `attachment-quota`.
   */
  putAttachment(
    by: ActivityCaller,
    file: {
      readonly name: string;
      readonly mediaType?: string;
      readonly content: Readable;
      /** Where it is known before. */
      readonly sizeBytes?: number;
    },
  ): Promise<Attachment>;
  /** A file of a message, decrypted as it is read; fetched from a member where it is not here yet. */
  attachment(
    by: ActivityCaller,
    activity: Hash,
    place: { readonly message: Hash; readonly index: number },
  ): Promise<{ readonly attachment: Attachment; readonly content: Readable }>;

  /** Lets a device speak through this node, for a time (Unix seconds). */
  issueCredential(
    by: ActivityCaller,
    device: { readonly device: Address; readonly name: string; readonly notBefore: number; readonly expires: number },
  ): Promise<Credential>;
  credentials(by: ActivityCaller): Promise<CredentialView[]>;
  /** false when there is no such one, or it was taken back before. */
  revokeCredential(by: ActivityCaller, id: Hash): Promise<boolean>;
};
