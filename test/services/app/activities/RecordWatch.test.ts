import { expect } from 'chai';
import { defaultActivitySettings } from '../../../../services/app/activities/ActivityHost.ts';
import { RecordWatch } from '../../../../services/app/activities/RecordWatch.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import { activitySubject } from '../../../../services/core/activities/sealed.ts';
import { fromHex, type Hash } from '../../../../services/core/bytes.ts';
import { digestText } from '../../../../services/core/record.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { hashOf, messageOf, openAt } from '../../store/activities/activityKit.ts';

const hourMs = 3_600_000;
const { compareMs, unrecordedMs } = defaultActivitySettings;

describe('the watch for messages without a record', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let store: ActivityStore;
  let clock: SteppedClock;
  let problems: Problems;
  let watch: RecordWatch;
  /** Subjects that were searched for. */
  let searched: string[];
  /** Subjects of records that the log has, with their digests. */
  let logged: Map<string, Hash>;
  beforeEach(async () => {
    folder = await temporaryFolder();
    store = await openAt({ dataDir: folder.path, databaseUrl: undefined });
    clock = new SteppedClock();
    problems = new Problems();
    [searched, logged] = [[], new Map()];
    const search = async ({ subject = '' }: { readonly subject?: string }) => {
      searched.push(subject);
      const digest = logged.get(subject);
      const record = digest && { kind: 'activity', digest: digestText(fromHex(digest)) };
      return { items: record ? [{ id: randomHash(), record, state: 'logged' }] : [] };
    };
    watch = new RecordWatch({
      ...{ store, clock, problems, logger: silentLogger, settings: defaultActivitySettings },
      search: search as never,
    });
  });
  afterEach(async () => {
    await store.close();
    await folder[Symbol.asyncDispose]();
  });

  const subjectOf = (name: string): string => activitySubject(hashOf(`group ${name}`));
  async function taken(activity: string, names: readonly string[], { isRead = true } = {}): Promise<void> {
    const messages = names.map((name) => {
      const message = messageOf(name);
      const header = {
        enc: 'A256GCM',
        typ: 'notarium-activity/1',
        epo: 0,
        grp: hashOf(`group ${name}`),
        mid: message.id,
      };
      return {
        ...message,
        seal: { ...message.seal, protected: Buffer.from(JSON.stringify(header)).toString('base64url') },
      };
    });
    await store.save({ activity: hashOf(activity), nowMs: clock.nowMs(), messages, isRead });
  }
  const look = async (): Promise<string[]> => {
    searched.length = 0;
    await watch.look(new AbortController().signal);
    return [...searched];
  };
  const told = () => problems.list().find(({ code }) => code === 'activity-unrecorded')?.detail;

  it('looks for none of an activity that nobody here has looked at', async () => {
    await taken('unread', ['a', 'b'], { isRead: false });
    await taken('read', ['c']);
    clock.advance(unrecordedMs + 1);
    expect(await look()).to.deep.equal([subjectOf('c')]);
    expect(told()).to.equal('1 messages: see the activities');
    await store.setRead(hashOf('unread'));
    expect((await look()).toSorted()).to.deep.equal(['a', 'b', 'c'].map(subjectOf).toSorted());
    expect(told()).to.equal('3 messages: see the activities');
  });

  it('looks the more seldom the older they are, and forgets none of them meanwhile', async () => {
    await taken('read', ['a']);
    clock.advance(unrecordedMs + 1);
    const looks = async (forMs: number): Promise<number> => {
      let count = 0;
      for (const endMs = clock.nowMs() + forMs; clock.nowMs() < endMs; clock.advance(compareMs)) {
        count += (await look()).length;
        expect(told()).to.equal('1 messages: see the activities');
      }
      return count;
    };
    expect(await looks(hourMs)).to.equal(hourMs / compareMs);
    const second = await looks(hourMs);
    expect(second).to.be.within(hourMs / compareMs / 2 - 1, hourMs / compareMs / 2 + 1);
    await looks(30 * hourMs);
    const old = await looks(16 * hourMs);
    expect(old).to.be.within(1, (16 * hourMs) / compareMs / 32);
    // It is found all the same, and is over then.
    logged.set(subjectOf('a'), messageOf('a').sealDigest);
    for (const endMs = clock.nowMs() + hourMs; clock.nowMs() < endMs; clock.advance(compareMs)) await look();
    expect(told()).to.equal(undefined);
    clock.advance(1_000 * hourMs);
    expect(await look()).to.deep.equal([]);
  });

  it('is over also where somebody else has found the record', async () => {
    await taken('read', ['a', 'b']);
    clock.advance(unrecordedMs + 1);
    await look();
    expect(told()).to.equal('2 messages: see the activities');
    await store.setRecord(messageOf('a').id, randomHash() as never);
    await look();
    expect(told()).to.equal('1 messages: see the activities');
  });

  it('looks for so many at a time, those that were due longest first', async () => {
    const names = Array.from({ length: 3_000 }, (_, at) => `young ${at}`);
    await taken('read', ['old']);
    clock.advance(3 * hourMs);
    await taken('read', names);
    clock.advance(unrecordedMs + 1);
    const all = new Set<string>();
    for (let at = 0; at < 4; at++, clock.advance(compareMs)) {
      const found = await look();
      expect(found.length).to.be.most(1_024);
      for (const subject of found) all.add(subject);
    }
    expect(all).to.have.property('size', 3_001);
    expect(told()).to.equal('3001 messages: see the activities');
    // They fill the looks for all of their hour, and are in nobody's way.
    clock.advance(10 * compareMs);
    expect(await look()).to.include(subjectOf('old'));
  });

  it('begins anew after another process of the node has looked', async () => {
    await taken('read', ['a']);
    clock.advance(unrecordedMs + 1);
    await look();
    watch.rest();
    expect(told()).to.equal(undefined);
    expect(await look()).to.deep.equal([subjectOf('a')]);
  });
});
