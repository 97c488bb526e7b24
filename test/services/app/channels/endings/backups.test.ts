import { cp, readdir, rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { VerifierApi } from '../../../../../services/app/channels/VerifierApi.ts';
import type { Hash } from '../../../../../services/core/bytes.ts';
import { closingOf } from '../../../../../services/core/channels/ledger.ts';
import { closeDigest } from '../../../../../services/core/channels/state.ts';
import { expectCode } from '../../../../support/expectCode.ts';
import { until } from '../../../../support/until.ts';
import {
  challengeSeconds,
  closingAgeSeconds,
  deposit,
  digestOf,
  type EndingsKit,
  endingsKit,
  endOf,
  expectContent,
  expectProof,
  preserveAll,
  price,
  type RequesterProcess,
  uploaded,
  type VerifierProcess,
} from './endingsKit.ts';
import { faultyWire } from './faultyWire.ts';

describe('endings after a backup was restored', () => {
  let kit: EndingsKit;
  let verifier: VerifierProcess;
  // Whichever verifier runs now: it is started anew on the way.
  const api: VerifierApi = {
    channel: (id) => verifier.desk.channel(id),
    show: (id, view) => verifier.desk.show(id, view),
    bills: (id, requests) => verifier.desk.bills(id, requests),
    withdraw: (id, billId) => verifier.desk.withdraw(id, billId),
    update: (update) => verifier.desk.update(update),
    close: (request) => verifier.desk.close(request),
    evidence: (id, from, limit) => verifier.desk.evidence(id, from, limit),
  };

  beforeEach(async () => {
    kit = await endingsKit();
    verifier = await kit.verifier(1, 'verifier');
  });
  afterEach(() => kit?.[Symbol.asyncDispose]());

  const backUp = (name: string) => cp(`${kit.folder}/${name}`, `${kit.folder}/${name} backup`, { recursive: true });
  const restore = async (name: string): Promise<void> => {
    await rm(`${kit.folder}/${name}`, { recursive: true });
    await cp(`${kit.folder}/${name} backup`, `${kit.folder}/${name}`, { recursive: true });
  };
  /** Versions that were handed in on chain for a channel. */
  async function handedIn(channelId: Hash): Promise<number[]> {
    const { stranger } = kit.chain;
    const { number } = await stranger.newestBlock();
    const events = await stranger.events(0, number);
    return events.flatMap((event) =>
      event.type === 'closing' && event.channelId === channelId ? [event.state.version] : [],
    );
  }
  const isClosing = async (channelId: Hash) => (await kit.chain.stranger.status(channelId)).status === 'closing';

  /** A requester whose folder was set back by two contents that were paid for after the backup, one of them begun before it. */
  async function oldRequester(): Promise<{ channelId: Hash; restart: (by: VerifierApi) => Promise<RequesterProcess> }> {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const wire = faultyWire(api);
    const start = (by: VerifierApi) => kit.requester(channel, 'requester', by);
    let side = await start(wire.api);
    await preserveAll(verifier, channelId, side, ['a', 'b']);
    const cut = wire.cutAt('fold', 'question');
    const begun = await uploaded(verifier, channelId, 'c');
    void side.requester.preserve(begun).catch(() => undefined);
    await cut;
    await side.stop();
    await backUp('requester');
    wire.heal();
    side = await start(wire.api);
    await side.requester.resume(begun);
    await preserveAll(verifier, channelId, side, ['d']);
    await side.stop();
    await restore('requester');
    return { channelId, restart: start };
  }

  it('of the requester: it goes on from the newest state, and pays nothing twice', async () => {
    const { channelId, restart } = await oldRequester();
    const before = await verifier.desk.channel(channelId);
    const side = await restart(api);
    expect(side.requester.memory.latest).to.deep.equal(before.latest);
    expect(side.requester.resume({ digest: digestOf('c'), count: 1 })).to.equal(undefined);
    await preserveAll(verifier, channelId, side, ['e']);
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 5n * price, count: 5 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await expectContent(verifier, channelId, name);
      await expectProof(kit, await verifier.desk.receipt(channelId, digestOf(name)), name);
    }
  });

  it('of the requester, which hears of it late: who waits for a bill that was paid is told, and finds it', async () => {
    const { channelId, restart } = await oldRequester();
    const { latest } = await verifier.desk.channel(channelId);
    const wire = faultyWire(api);
    wire.cut();
    const side = await restart(wire.api);
    const begun = { digest: digestOf('c'), count: 1 };
    const paid = expectCode('channel-stale', side.requester.resume(begun)!);
    wire.heal();
    await paid;
    expect(side.requester.memory.latest).to.deep.equal(latest);
    expect(side.requester.resume(begun)).to.equal(undefined);
    await side.requester.recover();
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 4n * price, count: 4 });
    for (const name of ['a', 'b', 'c', 'd']) await expectProof(kit, await side.receipt(digestOf(name)), name);
  });

  it('of the requester, which closes alone: it hands in the newest state and no old one', async () => {
    const { channelId, restart } = await oldRequester();
    const { latest } = await verifier.desk.channel(channelId);
    const side = await restart(api);
    const end = side.settlement.end(channelId, 'alone');
    await until('it closes', () => isClosing(channelId));
    await kit.pass(challengeSeconds + 1);
    await end;
    expect(await handedIn(channelId)).to.deep.equal([latest!.state.version]);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 4n * price, count: 4 });
  });

  it('of the requester, to which the verifier does not speak: its old state is challenged', async () => {
    const { channelId, restart } = await oldRequester();
    const wire = faultyWire(api);
    wire.cut();
    const { latest } = await verifier.desk.channel(channelId);
    const side = await restart(wire.api);
    const end = side.settlement.end(channelId, 'alone');
    await until('it is challenged', async () => (await handedIn(channelId)).at(-1) === latest!.state.version);
    wire.heal();
    await until('it knows more', () => side.requester.memory.ledger.version === latest!.state.version);
    await kit.pass(challengeSeconds + 1);
    await end;
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 4n * price, count: 4 });
  });

  /** A verifier whose data folder was set back by two contents; the requester has gone on running. */
  async function oldVerifier(): Promise<{ channelId: Hash; side: RequesterProcess; cut: () => void }> {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const wire = faultyWire(api);
    const side = await kit.requester(channel, 'requester', wire.api);
    await preserveAll(verifier, channelId, side, ['a', 'b']);
    await verifier.stop();
    await backUp('verifier');
    verifier = await kit.verifier(1, 'verifier');
    await preserveAll(verifier, channelId, side, ['c', 'd']);
    await verifier.stop();
    await restore('verifier');
    verifier = await kit.verifier(1, 'verifier');
    return { channelId, side, cut: wire.cut };
  }

  it('of the verifier: it is shown the newest state, and is paid for all of it', async () => {
    const { channelId, side } = await oldVerifier();
    expect((await verifier.desk.channel(channelId)).latest?.state.evidenceCount).to.equal(2);
    await preserveAll(verifier, channelId, side, ['e']);
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 5n * price, count: 5 });
    expect(await handedIn(channelId)).to.deep.equal([]);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await expectProof(kit, await side.receipt(digestOf(name)), name);
    for (const name of ['a', 'b', 'e']) await expectContent(verifier, channelId, name);
    // It cannot prove what it has forgotten, and says so.
    await expectCode('evidence-not-found', verifier.desk.receipt(channelId, digestOf('a')));
  });

  /** The database alone: what is kept apart from it stays. */
  async function restoreDatabase(): Promise<void> {
    const [from, to] = [`${kit.folder}/verifier backup`, `${kit.folder}/verifier`];
    const filesIn = async (folder: string) =>
      (await readdir(folder)).filter((name) => name.startsWith('channels.sqlite'));
    for (const name of await filesIn(to)) await rm(`${to}/${name}`);
    for (const name of await filesIn(from)) await cp(`${from}/${name}`, `${to}/${name}`);
  }

  it("of the verifier's database: it signs nothing that its old state would lead to, whoever asks for it", async () => {
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const wire = faultyWire(api);
    const side = await kit.requester(channel, 'requester', wire.api);
    await preserveAll(verifier, channelId, side, ['a', 'b']);
    const { party, memory: old } = side.requester;
    await verifier.stop();
    await backUp('verifier');
    verifier = await kit.verifier(1, 'verifier');
    await preserveAll(verifier, channelId, side, ['c', 'd']);
    const { latest } = await verifier.desk.channel(channelId);
    await verifier.stop();
    await restoreDatabase();
    // A requester that shows nothing, and asks for an end by which two contents are not paid.
    wire.cut();
    verifier = await kit.verifier(1, 'verifier');
    const closing = closingOf(old.ledger);
    const signature = party.signer.sign(closeDigest(party.network, channelId, closing));
    const { version } = old.ledger;
    await expectCode('channel-base-stale', verifier.desk.close({ channelId, version, closing, signature }));
    const lock = { channelId, baseVersion: version, version: version + 1000, held: deposit, folds: [], drops: [] };
    await expectCode('channel-base-stale', verifier.desk.update({ ...lock, adds: [], signature }));
    expect((await verifier.desk.channel(channelId)).latest).to.deep.equal(latest);
    wire.heal();
    await preserveAll(verifier, channelId, side, ['e']);
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 5n * price, count: 5 });
    expect(await handedIn(channelId)).to.deep.equal([]);
  });

  it("of the verifier's database: a channel that was opened after it is ended with its newest state", async () => {
    await verifier.stop();
    await backUp('verifier');
    verifier = await kit.verifier(1, 'verifier');
    const channel = await kit.open(1);
    const channelId = kit.idOf(channel);
    const side = await kit.requester(channel, 'requester', api);
    await preserveAll(verifier, channelId, side, ['a', 'b']);
    const { version } = side.requester.memory.ledger;
    await side.stop();
    await verifier.stop();
    await restoreDatabase();
    verifier = await kit.verifier(1, 'verifier');
    await until('the channel is known again', () => verifier.desk.known(channelId));
    await kit.pass(closingAgeSeconds);
    await until('the newest state is on chain', async () => (await handedIn(channelId)).at(-1) === version);
    await kit.pass(challengeSeconds + 1);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 2n * price, count: 2 });
  });

  it('of the verifier: the requester shows the newest state before it asks for the end', async () => {
    const { channelId, side } = await oldVerifier();
    const { latest } = side.requester.memory;
    const asked: string[] = [];
    const close = verifier.desk.close.bind(verifier.desk);
    verifier.desk.close = async (request) => {
      asked.push(`${(await verifier.desk.channel(channelId)).latest?.state.version}`);
      return await close(request);
    };
    void side.requester.closeTogether().catch(() => undefined);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 4n * price, count: 4 });
    expect(asked).to.deep.equal([`${latest!.state.version}`]);
  });

  it('of the verifier, to which the requester does not speak: its old state is replaced on chain', async () => {
    const { channelId, side, cut } = await oldVerifier();
    cut();
    const { version } = side.requester.memory.ledger;
    await kit.pass(closingAgeSeconds);
    await until('the newest state is on chain', async () => (await handedIn(channelId)).at(-1) === version);
    await kit.pass(challengeSeconds + 1);
    expect(await endOf(kit, channelId)).to.deep.equal({ paid: 4n * price, count: 4 });
    for (const name of ['a', 'b', 'c', 'd']) await expectProof(kit, await side.receipt(digestOf(name)), name);
  });
});
