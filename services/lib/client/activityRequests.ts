import type { Attachment } from '../../core/activities/contents.ts';
import type { DeviceStatement } from '../../core/activities/deviceStatement.ts';
import type { MemberRole } from '../../core/activities/members.ts';
import type { ActivityTerms } from '../../core/activities/message.ts';
import type { Address, Hash } from '../../core/bytes.ts';

/** What a message says: a JSON body and files that were put before, or what a device has made and signed of both. */
export type ActivityContents =
  | {
      readonly body: unknown;
      /** Notarises each field, or those named (JSON Pointers or dotted paths), so that it can be shown without the others. */
      readonly fields?: true | readonly string[] | undefined;
      readonly attachments?: readonly Attachment[] | undefined;
      readonly device?: undefined;
    }
  | { readonly device: DeviceStatement };

/** How an activity begins. Parties are named by name, address or endpoint in the registry. */
export type StartActivity = ActivityContents & {
  /** What a device has signed as `activity`, and nothing else. */
  readonly salt?: Hash | undefined;
  readonly kind: ActivityTerms['kind'];
  readonly request: ActivityTerms['request'];
  readonly receivers: readonly string[];
  readonly regulators?: readonly string[] | undefined;
  /** History for those who join later, by a majority, where left out. */
  readonly rules?: Partial<ActivityTerms['rules']> | undefined;
  /** JSON Schema (draft 2020-12) of the body of every version. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
};

/** A next version. */
export type UpdateActivity = ActivityContents & {
  /** Versions in whose place it comes: the one that nothing has replaced by default, several for a merge. */
  readonly builds?: readonly Hash[] | undefined;
};

/** A party that is to become a member. */
export type MemberRequest = { readonly party: string; readonly role: Exclude<MemberRole, 'initiator'> };

/** A device that is to speak through the node. Times are Unix seconds, both included. */
export type NewDevice = {
  readonly device: Address;
  readonly name: string;
  /** Now by default. */
  readonly notBefore?: number | undefined;
  readonly expires: number;
};
