import { createHash } from 'node:crypto';
import { type Address, type Hash, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type {
  ActivityChange,
  ActivityStore,
  NewMessage,
  Outgoing,
} from '../../../../services/store/activities/ActivityStore.ts';
import { openActivityStore } from '../../../../services/store/activities/openActivityStore.ts';

export const key = new Uint8Array(32).fill(7);
export const [alice, bob, carol] = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}` as Address) as [
  Address,
  Address,
  Address,
];

/** A hash by a name. */
export function hashOf(name: string): Hash {
  return toHex(createHash('sha256').update(name).digest());
}

/** A message by a name: all of it follows from that. */
export function messageOf(name: string, fields: Partial<NewMessage> = {}): NewMessage {
  return {
    id: hashOf(`message ${name}`),
    type: 'update',
    sender: alice,
    parcel: utf8(`{"parcel":"${name}"}`),
    seal: { protected: 'e30', iv: 'A'.repeat(16), tag: 'A'.repeat(22), ciphertextDigest: hashOf(`ciphertext ${name}`) },
    sealDigest: hashOf(`seal ${name}`),
    ...fields,
  };
}

/** What goes to members of a message of {@link messageOf}. */
export function outgoingOf(activity: Hash, name: string, members: readonly Address[], text = `text ${name}`): Outgoing {
  return {
    activity,
    sealDigest: hashOf(`seal ${name}`),
    message: hashOf(`message ${name}`),
    item: utf8(text),
    members,
  };
}

/** One whole step: a message, what goes to members, its record. */
export function stepOf(activity: Hash, name: string, nowMs: number, members: readonly Address[] = []): ActivityChange {
  return {
    activity,
    nowMs,
    messages: [messageOf(name)],
    outgoing: [outgoingOf(activity, name, members)],
    records: [{ activity, message: hashOf(`message ${name}`), entry: `entry ${name}`, dueMs: 0 }],
  };
}

/** Opens the store at a place. */
export function openAt(
  place: { readonly dataDir: string; readonly databaseUrl: string | undefined },
  more: Partial<Parameters<typeof openActivityStore>[0]> = {},
): Promise<ActivityStore> {
  const { dataDir, databaseUrl } = place;
  return openActivityStore({ dataDir, ...(databaseUrl ? { databaseUrl } : {}), key, logger: silentLogger, ...more });
}
