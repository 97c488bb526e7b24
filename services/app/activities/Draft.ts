import type { Attachments, Body } from '../../core/activities/contents.ts';
import type { PackedFields } from '../../core/activities/fields.ts';
import type { Head } from '../../core/activities/message.ts';

type Common = 'v' | 'network' | 'activity' | 'epoch' | 'group' | 'sender' | 'time' | 'salt' | 'fields';
type Own<T> = T extends Head ? Omit<T, Common> : never;

/** A message that is still to be signed, fields of it too: what its sender says, without what follows from where the activity stands. */
export type Draft = {
  readonly head: Own<Head>;
  readonly body?: Body | PackedFields;
  readonly attachments?: Attachments;
};
