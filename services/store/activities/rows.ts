import type { Selectable } from 'kysely';
import { ackSchema } from '../../core/activities/ack.ts';
import type { HeadType } from '../../core/activities/message.ts';
import { type Seal, sealSchema } from '../../core/activities/sealed.ts';
import type { Address, Hash, RecordId } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import type {
  Delivery,
  HeldMessage,
  NewMessage,
  StoredActivity,
  StoredCredential,
  StoredMessage,
  UnrecordedMessage,
} from './ActivityStore.ts';
import { type AtRest, corrupt } from './AtRest.ts';
import type { ActivitySchema } from './migrations.ts';

type Row<T extends keyof ActivitySchema> = Selectable<ActivitySchema[T]>;

const detailCharacters = 1000;

/** Where what is encrypted stands: it is bound to its row. */
export const rowOf = {
  message: (id: string): string => `activity_messages/${id}`,
  summary: (activity: string): string => `activity_summaries/${activity}`,
  text: (id: string): string => `activity_texts/${id}`,
  held: (sealDigest: string, sender: string): string => `activity_held/${sealDigest}/${sender}`,
  record: (message: string): string => `activity_records/${message}`,
  credential: (id: string): string => `activity_credentials/${id}`,
  delivery: (seq: number): string => `activity_deliveries/${seq}`,
} as const;

export function activityOf(row: Row<'activities'>): StoredActivity {
  return {
    id: row.id as Hash,
    ...(row.owner === null ? {} : { owner: row.owner }),
    createdMs: row.created_ms,
    changedMs: row.changed_ms,
    messageCount: row.message_count,
    isRead: row.is_read !== 0,
  };
}

/** The row of a message that an activity has taken. */
export function messageRow(
  message: NewMessage,
  { activity, place, takenMs }: Pick<StoredMessage, 'activity' | 'place' | 'takenMs'>,
  atRest: AtRest,
): Row<'activity_messages'> {
  const { id, type, sender, parcel, seal, sealDigest, recordId } = message;
  return {
    ...{ id, activity, place, type, sender, seal: JSON.stringify(seal), seal_digest: sealDigest },
    parcel: atRest.seal(activity, rowOf.message(id), parcel),
    parcel_bytes: parcel.length,
    record_id: recordId ?? null,
    taken_ms: takenMs,
  };
}

/** @throws NotariumError `activity-store-corrupt`. */
export function messageOf(row: Row<'activity_messages'>, atRest: AtRest): StoredMessage {
  const name = rowOf.message(row.id);
  return {
    id: row.id as Hash,
    activity: row.activity as Hash,
    place: row.place,
    type: row.type as HeadType,
    sender: row.sender as Address,
    parcel: atRest.open(row.activity as Hash, name, row.parcel),
    seal: parsed(name, row.seal, sealSchema),
    sealDigest: row.seal_digest as Hash,
    ...(row.record_id === null ? {} : { recordId: row.record_id as RecordId }),
    takenMs: row.taken_ms,
  };
}

/** Of one whose seal is damaged all but that. */
export function unrecordedOf(
  row: Pick<Row<'activity_messages'>, 'id' | 'activity' | 'taken_ms' | 'seal' | 'seal_digest'>,
): UnrecordedMessage {
  let seal: Seal | undefined;
  try {
    seal = parsed(rowOf.message(row.id), row.seal, sealSchema);
  } catch (error) {
    if (!isNotariumError(error, 'activity-store-corrupt')) throw error;
  }
  return {
    ...{ id: row.id as Hash, activity: row.activity as Hash, takenMs: row.taken_ms, seal },
    sealDigest: row.seal_digest as Hash,
  };
}

/** @throws NotariumError `activity-store-corrupt`. */
export function deliveryOf(row: Omit<Row<'activity_deliveries'>, 'text_id' | 'next_ms'>): Delivery {
  return {
    sealDigest: row.seal_digest as Hash,
    activity: row.activity as Hash,
    message: row.message as Hash,
    member: row.member as Address,
    state: row.state as Delivery['state'],
    seq: row.seq,
    queuedMs: row.queued_ms,
    tries: row.tries,
    ...(row.ack === null ? {} : { ack: parsed(rowOf.delivery(row.seq), row.ack, ackSchema) }),
    ...(row.problem_code === null ? {} : { problem: { code: row.problem_code, detail: row.problem_detail ?? '' } }),
  };
}

/** @throws NotariumError `activity-store-corrupt`. */
export function heldOf(row: Omit<Row<'activity_held'>, 'text_bytes'>, atRest: AtRest): HeldMessage {
  return {
    sealDigest: row.seal_digest as Hash,
    activity: row.activity as Hash,
    from: row.sender as Address,
    item: atRest.open(row.activity as Hash, rowOf.held(row.seal_digest, row.sender), row.text),
    heldMs: row.held_ms,
  };
}

/** Of a damaged one all but its text: the others are listed all the same. */
export function credentialOf(row: Row<'activity_credentials'>, atRest: AtRest): StoredCredential {
  let text: string | undefined;
  try {
    text = atRest.openText(row.id as Hash, rowOf.credential(row.id), row.text);
  } catch (error) {
    if (!isNotariumError(error, 'activity-store-corrupt')) throw error;
  }
  return {
    id: row.id as Hash,
    text,
    device: row.device as Address,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.revoked_ms === null ? {} : { revokedMs: row.revoked_ms }),
  };
}

/** What another node says of a problem, as a database takes it: PostgreSQL keeps no text with a NUL or half a character. */
export function detailText(detail: string): string {
  return detail.slice(0, detailCharacters).toWellFormed().replaceAll('\0', '');
}

type Schema<T> = { safeParse(value: unknown): { success: true; data: T } | { success: false; error: unknown } };

function parsed<T>(row: string, text: string, schema: Schema<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(row, cause);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw corrupt(row, result.error);
  return result.data;
}
