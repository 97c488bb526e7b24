import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { Hash } from '../../../../services/core/bytes.ts';
import type { ActivityStore, StoredMessage } from '../../../../services/store/activities/ActivityStore.ts';
import { bundled } from '../../../support/bundled.ts';
import { onBothDatabases } from '../storePlace.ts';
import { bob, carol, hashOf, openAt, outgoingOf } from './activityKit.ts';
import { rawTable } from './rawTable.ts';

let script: Awaited<ReturnType<typeof bundled>>;
before(async () => {
  script = await bundled(join(import.meta.dirname, 'killChild.ts'));
});
after(() => script?.[Symbol.asyncDispose]());

/** Runs children at the same time and kills them when each has said so many lines; what they said. */
async function workAndKill(
  at: { readonly dataDir: string; readonly databaseUrl: string | undefined },
  rounds: readonly string[],
  count: number,
): Promise<string[]> {
  const lines: string[] = [];
  let left = rounds.length;
  const children = rounds.map((round): ChildProcess => {
    const url = at.databaseUrl ? [at.databaseUrl] : [];
    const child = spawn(process.execPath, [script.path, at.dataDir, round, ...url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (++said === count && --left === 0) for (const each of children) each.kill('SIGKILL');
    });
    // One that fails fails the test: the others are not left behind.
    child.once('exit', () => {
      for (const each of children) each.kill('SIGKILL');
    });
    return child;
  });
  const ends = await Promise.all(children.map((child) => once(child, 'close')));
  for (const [, signal] of ends) expect(signal).to.equal('SIGKILL');
  return lines;
}

/** Every message of the activities of the children, by name of its step. */
async function messagesOf(store: ActivityStore): Promise<Map<string, StoredMessage>> {
  const found = new Map<string, StoredMessage>();
  for (let index = 0; index < 4; index++) {
    const activity = hashOf(`activity ${index}`);
    const count = (await store.activity(activity))?.messageCount ?? 0;
    let place = 0;
    for (;;) {
      const page = await store.messages(activity, place);
      if (page.length === 0) break;
      for (const message of page) {
        expect(message.place).to.equal(place++);
        found.set(/"parcel":"(.*)"/.exec(Buffer.from(message.parcel).toString())![1]!, message);
      }
    }
    expect(place).to.equal(count);
  }
  return found;
}

/** That what was promised is there, and of each step all or nothing; names of the steps in the order of their places. */
async function checkWhole(at: Parameters<typeof workAndKill>[0], said: readonly string[]): Promise<string[]> {
  const store = await openAt(at);
  try {
    const messages = await messagesOf(store);
    for (const line of said) if (line.startsWith('saved ')) expect(messages.has(line.slice(6)), line).to.equal(true);
    const pending: Hash[] = (await rawTable(at, 'activity_records')).map(({ message }) => message as Hash);
    expect(pending.toSorted()).to.deep.equal([...messages.values()].map(({ id }) => id).toSorted());
    const deliveries = await rawTable(at, 'activity_deliveries');
    expect(deliveries).to.have.length(2 * messages.size);
    const readNames = new Set(said.filter((line) => line.startsWith('read ')).map((line) => line.slice(5)));
    const texts = new Set((await rawTable(at, 'activity_texts')).map(({ id }) => id));
    const names = (await rawTable(at, 'activity_attachments')).map((row) => row.sealed_digest);
    expect(names.toSorted()).to.deep.equal([...messages.keys()].map(hashOf).toSorted());
    const bySeal = Object.groupBy(deliveries, (row) => String(row.seal_digest));
    for (const [name, { activity, sealDigest }] of messages) {
      expect(sealDigest).to.equal(outgoingOf(activity, name, []).sealDigest);
      const ofIt = bySeal[sealDigest] ?? [];
      expect(ofIt.map(({ member }) => member).toSorted()).to.deep.equal([bob, carol]);
      const states = new Set(ofIt.map(({ state }) => state));
      expect(states.size, name).to.equal(1);
      if (readNames.has(name)) expect([...states], name).to.deep.equal(['read']);
      // The text is there as long as somebody needs it, and no longer.
      expect(texts.has(ofIt[0]!.text_id), name).to.equal(states.has('queued'));
    }
    const waiting = deliveries.filter(({ state }) => state === 'queued');
    expect(texts.size).to.equal(waiting.length / 2);
    return [...messages.keys()];
  } finally {
    await store.close();
  }
}

onBothDatabases('activities under kill -9', (place, engine) => {
  it('has every step that was promised, and half of none', async () => {
    await using at = await place();
    const said: string[] = [];
    const kills = engine === 'sqlite' ? 5 : 3;
    for (let round = 0; round < kills; round++) {
      said.push(...(await workAndKill(at, [`${round}`], 30 + Math.floor(Math.random() * 400))));
      await checkWhole(at, said);
    }
    expect(said.length).to.be.greaterThan(kills * 30);
  });

  // A SQLite file is for one process.
  if (engine === 'sqlite') return;
  it('takes what two processes write at once, each message in a place of its own', async () => {
    await using at = await place();
    await (await openAt(at)).close();
    const said = await workAndKill(at, ['left', 'right'], 200);
    const names = await checkWhole(at, said);
    // In one activity they have taken turns.
    const ofFirst = names.flatMap((name) => /^(left|right) (?:0|4|8|12) /.exec(name)?.[1] ?? []);
    const turns = ofFirst.filter((round, index) => index > 0 && round !== ofFirst[index - 1]);
    expect(turns.length).to.be.greaterThan(1);
  });
});
