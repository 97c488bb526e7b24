import { createHash, hash, randomBytes } from 'node:crypto';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, type Hash, toHex, utf8 } from '../../services/core/bytes.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import type { ActivityChange } from '../../services/store/activities/ActivityStore.ts';
import { openActivityStore } from '../../services/store/activities/openActivityStore.ts';
import type { Row } from './Row.ts';

const messages = 4000;
const callers = 64;
const bodyBytes = 2000;
const members: readonly Address[] = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}` as Address);

/** What a node keeps of its activities: messages of 2 kB to three members, with their records, each synced before the next of its caller. */
export async function activityStoreRows(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'notarium-bench-'));
  try {
    const store = await openActivityStore({ dataDir: folder, key: randomBytes(32), logger: silentLogger });
    try {
      const steps = Array.from({ length: messages }, (_, index) => stepOf(index));
      const savedMs = await byCallers(steps, (step) => store.save(step));
      const outcomes = steps.map(({ outgoing }) =>
        members.map((member) => ({ sealDigest: outgoing![0]!.sealDigest, member, state: 'read' as const })),
      );
      const notedMs = await byCallers(outcomes, (some) => store.delivered(some));
      const note = `${messages} messages of ${bodyBytes} bytes, ${callers} callers, SQLite`;
      return [
        {
          figure: 'messages of activities saved durably',
          value: (messages / savedMs) * 1000,
          unit: '1/s',
          target: { atLeast: 800 },
          beside: { name: 'syncs of a file', value: await syncsPerSecond(folder) },
          note,
        },
        {
          figure: 'messages noted as read by three members',
          value: (messages / notedMs) * 1000,
          unit: '1/s',
          note,
        },
      ];
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Milliseconds for all of the work, by so many callers that each wait for their last piece. */
async function byCallers<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<number> {
  const startMs = performance.now();
  const left = all.values();
  const call = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: callers }, call));
  return performance.now() - startMs;
}

/** What a commit for each message would come to at most. */
async function syncsPerSecond(folder: string): Promise<number> {
  const count = 100;
  const file = await openFile(join(folder, 'syncs'), 'w');
  const startMs = performance.now();
  for (let index = 0; index < count; index++) {
    await file.write(new Uint8Array(4096));
    await file.datasync();
  }
  await file.close();
  return (count / (performance.now() - startMs)) * 1000;
}

/** One of the groups of four: what a sender saves for each message. */
function stepOf(index: number): ActivityChange {
  const named = (what: string): Hash => toHex(hash('sha256', `${what} ${index}`, 'buffer'));
  const [activity, id, sealDigest] = [named('activity'), named('message'), named('seal')];
  const parcel = randomBytes(bodyBytes);
  const ciphertextDigest = toHex(createHash('sha256').update(parcel).digest());
  const seal = { protected: 'e30'.padEnd(300, 'x'), iv: 'x'.repeat(16), tag: 'x'.repeat(22), ciphertextDigest };
  const item = utf8(parcel.toString('base64url').padEnd(2 * bodyBytes, 'x'));
  return {
    ...{ activity, nowMs: Date.now() },
    messages: [{ id, type: 'start', sender: members[0]!, parcel, seal, sealDigest }],
    outgoing: [{ activity, message: id, sealDigest, item, members }],
    records: [{ activity, message: id, entry: 'x'.repeat(600), dueMs: 0 }],
  };
}
