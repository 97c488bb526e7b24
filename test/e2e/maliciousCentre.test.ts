import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { jsonFrame, protocols, topics } from '../../services/app/replication/wire.ts';
import type { BlockHeader } from '../../services/core/block.ts';
import { blockHash } from '../../services/core/block.ts';
import { concat, type RecordId, toHex, utf8 } from '../../services/core/bytes.ts';
import { slotStartMs } from '../../services/core/committee.ts';
import { isNotariumError, NotariumError } from '../../services/core/errors.ts';
import { encodeEntries } from '../../services/core/log/entryBundle.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import type { UnsignedRecord } from '../../services/core/recordSchema.ts';
import type { Signer } from '../../services/core/signature.ts';
import { databaseFile } from '../../services/store/database.ts';
import { type Attacker, type Item, openAttacker } from '../support/attacker.ts';
import { json, post, recordOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { expectSameLogs } from '../support/sameLogs.ts';
import { until } from '../support/until.ts';

const cutOffScore = 100;
const notNow = 'the slot is not now';

describe('a malicious centre', () => {
  let consortium: Consortium;
  let attacker: Attacker;
  let honest: readonly Member[];
  const submitter = randomSigner();
  /** Every record that an honest centre has acknowledged. */
  const acknowledged: RecordId[] = [];
  let count = 0;

  const made = (fields?: Partial<Omit<UnsignedRecord, 'submitter'>>, by = submitter): Promise<CheckedRecord> =>
    signedRecord(consortium.network, by, `record ${++count}`, fields);
  const itemsOf = (...records: readonly CheckedRecord[]): Item[] => attacker.offer(records);

  /** A record whose signature is another's. */
  async function forged(): Promise<CheckedRecord> {
    const [right, other] = await Promise.all([made(), made()]);
    const text = new TextDecoder().decode(right.entry).replace(right.record.signature, other.record.signature);
    return { ...right, entry: utf8(text) };
  }

  /** How much one honest centre holds against another member. */
  async function scoreAt(member: Member, peer: { address: string }): Promise<number> {
    const { peers } = await statusOf(member.url);
    return peers.find(({ address }) => address === peer.address)?.score ?? 0;
  }

  /** Honest centres that let the attacker go on for so many points more; it is connected with them, and with no other. */
  async function victimsFor(points: number, wanted: number): Promise<Member[]> {
    const scores = await Promise.all(
      honest.map(async (member) => ({ member, score: await scoreAt(member, attacker) })),
    );
    // Those with the least room that is enough: each start of a centre costs a second.
    const rest = (score: number): number => (score + points < cutOffScore ? cutOffScore - score : Number.MAX_VALUE);
    const some = scores.sort((one, other) => rest(one.score) - rest(other.score)).slice(0, wanted);
    await Promise.all(
      some.map(async ({ member, score }) => {
        if (score + points < cutOffScore) return;
        // What a process holds against a peer ends with it.
        await member.kill();
        await member.start();
      }),
    );
    const victims = some.map(({ member }) => member);
    await attacker.meet(...victims);
    return victims;
  }
  const victimFor = async (points: number): Promise<Member> => (await victimsFor(points, 1))[0]!;

  /** Value of a counter of the member. */
  async function metric({ url }: Member, name: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? 0);
  }
  const blamed = (member: Member, reason: string): Promise<number> =>
    metric(member, `notarium_net_blamed_points_total{reason="${reason}"}`);
  const untilBlamed = (member: Member, reason: string, points = 1): Promise<true | undefined> =>
    until(`blame for ${reason}`, async () => (await blamed(member, reason)) >= points || undefined);
  const untilCutOff = (member: Member, reason: string): Promise<true | undefined> =>
    until(
      `the attacker to be cut off for ${reason}`,
      async () =>
        (await statusOf(member.url)).peers.some(
          ({ address, connected, cutOffReason }) =>
            address === attacker.address && !connected && cutOffReason === reason,
        ) || undefined,
    );

  const linesOf = ({ process }: Member): string[] => process.stderr().split('\n');

  /** Posts a record to a member, and waits until all honest ones have it in the same log. */
  async function publishes(member: Member): Promise<CheckedRecord> {
    const record = await made();
    expect((await post(member.url, record)).status).to.equal(201);
    acknowledged.push(record.id);
    await untilLogged(record);
    return record;
  }
  async function untilLogged({ id }: CheckedRecord): Promise<void> {
    await until('the record in all logs', async () => {
      const views = await Promise.all(honest.map(({ url }) => recordOf(url, id)));
      return views.every(({ state }) => state === 'logged') || undefined;
    });
  }
  const untilEmpty = (): Promise<unknown> =>
    until('equal logs and empty pools', async () => {
      const all = await Promise.all(honest.map(({ url }) => statusOf(url)));
      return all.every(({ pool, log }) => pool.count === 0 && log.root === all[0]!.log.root) || undefined;
    });

  /** Expects that there was no vote, for a reason that the log of the member has too. */
  async function expectRefused(member: Member, error: unknown, reason: string): Promise<void> {
    if (!isNotariumError(error)) throw new Error(`a vote where there must be none: ${reason}`);
    expect(error.detail).to.include(reason);
    expect(error.code).to.equal('vote-refused');
    await until('the reason in the log', () => member.process.stderr().includes(reason));
    expect(await blamed(member, 'vote-refused')).to.be.at.least(1);
    expect(await metric(member, 'notarium_votes_refused_total')).to.be.at.least(1);
  }

  /**
   * Proposes in a slot of the attacker's own; again in the next one where the machine was too slow for the first, or another
   * block came in between.
   */
  async function inTurn<T extends readonly unknown[]>(propose: (slot: number) => Promise<T>): Promise<T> {
    for (;;) {
      const errors = await propose(await attacker.turn());
      if (!errors.some(isLate)) return errors;
    }
  }
  const isLate = (error: unknown): boolean =>
    isNotariumError(error) && [notNow, 'the height is taken'].includes(error.detail);

  /** Shows one header to several victims in turn; who has answered it is not asked, and so blames, again. */
  async function showToAll(
    victims: readonly Member[],
    items: readonly Item[],
    shown: (at: number) => readonly Item[] = () => items,
  ): Promise<{ member: Member; error: unknown }[]> {
    const answers = new Map<Member, unknown>();
    await inTurn(async () => {
      const header = await attacker.header(victims[0]!, items);
      return await Promise.all(
        victims.map(async (member, at) => {
          if (answers.has(member)) return undefined;
          const error = await attacker.propose(member, header, shown(at));
          if (!isLate(error)) answers.set(member, error);
          return error;
        }),
      );
    });
    return victims.map((member) => ({ member, error: answers.get(member) }));
  }

  /** Proposes a header that is wrong in one respect. */
  async function expectNoVoteFor(wrong: Partial<BlockHeader>, reason: string, by?: Signer): Promise<void> {
    const victim = await victimFor(25);
    const items = itemsOf(await made());
    const [error] = await inTurn(async () => [
      await attacker.propose(victim, await attacker.header(victim, items, wrong), items, by),
    ]);
    await expectRefused(victim, error, reason);
  }

  /** Proposes the attacker's right header so many slots away from its turn. */
  async function expectNoVoteAway(slots: number, reason: string): Promise<void> {
    for (;;) {
      const victim = await victimFor(25);
      const slot = (await attacker.turn()) + slots;
      const items = itemsOf(await made());
      const error = await attacker.propose(victim, await attacker.header(victim, items, { slot }), items);
      if (isLate(error) && reason !== notNow) continue;
      return await expectRefused(victim, error, reason);
    }
  }

  /** Proposes records that must not be in a block. */
  async function expectNoVoteWith(
    make: (slot: number) => Promise<readonly CheckedRecord[]>,
    reason: string,
  ): Promise<void> {
    const victim = await victimFor(25);
    const [error] = await inTurn(async (slot) => {
      const items = itemsOf(...(await make(slot)));
      return [await attacker.propose(victim, await attacker.header(victim, items), items)];
    });
    await expectRefused(victim, error, reason);
  }

  before(async () => {
    consortium = await startConsortium({ centres: 4, idle: [3] });
    honest = consortium.members.slice(0, 3);
    attacker = await openAttacker(consortium, consortium.members[3]!);
    await publishes(honest[0]!);
  });
  after(async () => {
    await attacker?.[Symbol.asyncDispose]();
    await consortium?.[Symbol.asyncDispose]();
  });
  afterEach('honest centres agree, publish, and hold nothing against each other', async () => {
    await publishes(honest[acknowledged.length % 3]!);
    await untilEmpty();
    for (const member of honest) {
      // A point for a slot in which two of them knew different epochs is no harm.
      for (const other of honest) {
        const why = (): string[] => linesOf(member).filter((line) => line.includes(other.address));
        if ((await scoreAt(member, other)) >= 5) throw new Error(`an honest centre is blamed:\n${why().join('\n')}`);
      }
    }
  });

  describe('gossips', () => {
    const gossips = (name: string, reason: string, make: () => Promise<Uint8Array>, points = 30): void => {
      it(`${name}: ${reason}`, async () => {
        const victim = await victimFor(points);
        await attacker.gossip(topics.records, make);
        await untilBlamed(victim, reason);
        await untilBlamed(victim, 'gossip-rejected');
        await until('the reason in the log', () => victim.process.stderr().includes(reason));
      });
    };
    gossips('a record with a bad signature', 'signature-mismatch', async () => encodeEntries([(await forged()).entry]));
    gossips('a record of another network', 'record-network-mismatch', async () => {
      const network = { ...consortium.network, chainId: 1 };
      return encodeEntries([(await signedRecord(network, submitter, `elsewhere ${++count}`)).entry]);
    });
    gossips('another spelling of a record', 'record-not-canonical', async () => {
      const text = new TextDecoder().decode((await made()).entry);
      return encodeEntries([utf8(text.replace('{', '{ '))]);
    });
    gossips('what is no record', 'json-malformed', async () => encodeEntries([randomBytes(100)]));
    gossips('what is no bundle', 'gossip-rejected', async () => concat(Uint8Array.of(255, 255), randomBytes(10)), 20);

    it('a record that is good, which is taken', async () => {
      await victimFor(0);
      const record = await made();
      await attacker.gossip(topics.records, async () => encodeEntries([record.entry, (await made()).entry]));
      await untilLogged(record);
    });

    it('headers that somebody else has signed: nobody passes them on', async () => {
      const victim = await victimFor(20);
      await attacker.turn();
      const header = await attacker.header(victim, itemsOf(await made()));
      const stranger = randomSigner();
      await attacker.gossip(topics.headers, async () =>
        jsonFrame(await attacker.sign({ ...header, root: toHex(randomBytes(32)) }, stranger)),
      );
      await untilBlamed(victim, 'gossip-rejected');
    });

    it('what is too large: gossip-too-large', async () => {
      const victim = await victimFor(50);
      await attacker.gossip(topics.records, async () => randomBytes(1024 * 1024));
      await untilBlamed(victim, 'gossip-too-large');
    });
  });

  describe('proposes a block', () => {
    it('out of turn', () => expectNoVoteAway(-1, 'it is not its turn'));

    it('in a slot that is over', () => expectNoVoteAway(-40, notNow));

    it('in a slot that is to come', () => expectNoVoteAway(40, notNow));

    it('in the name of another', () =>
      expectNoVoteFor({ publisher: honest[0]!.address }, 'the proposer is not the publisher'));

    it('with a wrong epoch', () => expectNoVoteFor({ epoch: 7 }, 'another epoch is in force'));

    it('that it has not signed: nobody could prove that it signed two', () =>
      expectNoVoteFor({}, 'the publisher has not signed the header', randomSigner()));

    it('with a wrong parent', () => expectNoVoteFor({ parent: toHex(randomBytes(32)) }, 'another parent'));

    it('with a record that is in the log already', async () => {
      const record = await publishes(honest[0]!);
      await expectNoVoteWith(async () => [record], 'a record is in the log');
    });

    it('with an expired record', () =>
      expectNoVoteWith(
        async (slot) => [await made({ expires: new Date(slotStartMs(slot, 1)).toISOString() })],
        'a record had expired',
      ));

    it('with two successors of one record', async () => {
      const { id } = await publishes(honest[0]!);
      const rivals = await Promise.all([made({ supersedes: id }), made({ supersedes: id })]);
      await expectNoVoteWith(async () => rivals, 'two records supersede the same one');
    });

    it('with a rival of a successor that is in the log', async () => {
      const { id } = await publishes(honest[0]!);
      const heir = await made({ supersedes: id });
      expect((await post(honest[1]!.url, heir)).status).to.equal(201);
      acknowledged.push(heir.id);
      await untilLogged(heir);
      await expectNoVoteWith(async () => [await made({ supersedes: id })], 'a record is superseded already');
    });

    it('with a successor by one who is not the holder', async () => {
      const { id } = await publishes(honest[0]!);
      await expectNoVoteWith(
        async () => [await made({ supersedes: id }, randomSigner())],
        'only the holder may supersede',
      );
    });

    it('by half, and keeps silent: others are voted for meanwhile', async () => {
      const victim = await victimFor(1);
      const slot = await attacker.turn();
      const header = await attacker.header(victim, itemsOf(await made()));
      const stop = new AbortController();
      const taken = Promise.withResolvers<void>();
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        yield jsonFrame(await attacker.sign(header));
        taken.resolve();
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
      };
      const options = { timeoutMs: 60_000, signal: stop.signal };
      const ended = (async () => {
        for await (const _ of attacker.net.request(victim.address, protocols.vote, silent(), options));
      })().catch((error: unknown) => error);
      // What is taken goes out when nothing more is at hand; on one connection nothing overtakes it.
      await taken.promise;
      await setImmediate();
      await setImmediate();
      // A second one is not looked at before the first is over.
      const busy = await attacker.propose(victim, { ...header, slot }, []);
      expect(busy?.code).to.equal('peer-busy');
      // With the attacker mute, each block needs the victim's vote.
      await publishes(honest[0]!);
      await publishes(honest[1]!);
      stop.abort();
      await ended;
    });
  });

  // A slot of its own comes every four seconds, and one header may be shown to all: each gets other records under it.
  describe('proposes, under one right header,', () => {
    const answers: { member: Member; error: unknown }[] = [];
    before(async () => {
      const victims = await victimsFor(26, 3);
      const items = itemsOf(await made(), await made());
      const [first, second] = items as [Item, Item];
      const shown = [
        [first, { ...second, id: first.id }],
        [first, { ...second, leaf: randomBytes(32) }],
        new Array<Item>(200_001).fill(first),
      ];
      answers.push(...(await showToAll(victims, items, (at) => shown[at]!)));
    });
    const refuses = (name: string, at: number, reason: string): void => {
      it(name, () => expectRefused(answers[at]!.member, answers[at]!.error, reason));
    };
    refuses('a record twice', 0, 'a record stands in it twice');
    refuses('records that do not lead to its root', 1, 'the root is not that of the records');
    refuses('too many records', 2, 'more than 200000 items');
  });

  describe('gives, for a record of its block that nobody has,', () => {
    const answers: { member: Member; error: unknown }[] = [];
    before(async () => {
      const victims = await victimsFor(36, 3);
      const bad = await forged();
      const items = itemsOf(bad);
      const offered = attacker.answers.get(protocols.records)!;
      attacker.answers.set(protocols.records, async function* (_, from) {
        if (from === victims[0]!.address) yield encodeEntries([bad.entry]);
        while (from === victims[2]!.address) yield encodeEntries([(await made()).entry]);
      });
      answers.push(...(await showToAll(victims, items)));
      attacker.answers.set(protocols.records, offered);
    });

    it('a forged one', async () => {
      const { member, error } = answers[0]!;
      await expectRefused(member, error, 'the publisher does not give valid records');
      expect(await blamed(member, 'signature-mismatch')).to.be.at.least(10);
    });
    it('none', () => expectRefused(answers[1]!.member, answers[1]!.error, 'does not give valid records'));
    it('others, without end', async () => {
      const { member, error } = answers[2]!;
      expect(await blamed(member, 'answer-invalid')).to.be.at.least(25);
      if (isNotariumError(error, 'peer-answer-invalid')) return;
      // Where another block came in between, it was asked again, and blamed again: then it may have hung up for good.
      expect(isNotariumError(error) && error.code).to.equal('peer-unreachable');
      await untilCutOff(member, 'answer-invalid');
    });
  });

  describe('answers', () => {
    it('a request for its pool without end: answer-invalid', async () => {
      attacker.answers.set(protocols.pool, async function* () {
        yield jsonFrame({ instance: 'endless', lastSeq: 0, isEnd: false });
      });
      const victim = await victimFor(25);
      await untilBlamed(victim, 'answer-invalid', 25);
      attacker.answers.delete(protocols.pool);
    });

    it('a request for its pool with ids that have no records: records-withheld, and cut off when it goes on', async () => {
      let page = 0;
      attacker.answers.set(protocols.pool, async function* () {
        page++;
        yield jsonFrame({ instance: 'made up', lastSeq: page, isEnd: false });
        yield randomBytes(32 * 4_000);
      });
      const victim = await victimFor(99);
      await untilCutOff(victim, 'records-withheld');
      expect(page).to.be.at.most(30);
      attacker.answers.delete(protocols.pool);
      // The next ones meet it again.
      await victim.kill();
      await victim.start();
    });

    it('a request for a vote with the signature of another key: it does not count', async () => {
      // One that has cut it off would never connect; each turn costs 20 points, and a slow machine takes several.
      const [one, two] = (await victimsFor(60, 2)) as [Member, Member];
      const third = honest.find((member) => member !== one && member !== two)!;
      attacker.answers.set(protocols.vote, async function* () {
        yield jsonFrame({ signature: toHex(await randomSigner().sign(randomBytes(32))) });
      });
      await third.kill();
      const { anchoredHeight } = await statusOf(one.url);
      const record = await made();
      expect((await post(one.url, record)).status).to.equal(201);
      acknowledged.push(record.id);
      // Both have had their turn, and two of four are no quorum.
      await untilBlamed(one, 'vote-invalid', 20);
      await untilBlamed(two, 'vote-invalid', 20);
      expect((await statusOf(one.url)).anchoredHeight).to.equal(anchoredHeight);
      attacker.answers.delete(protocols.vote);
      await third.start();
      await untilLogged(record);
    });

    it('a centre that catches up with wrong entries: discarded, and got elsewhere', async () => {
      const [victim, ...others] = honest as [Member, Member, Member];
      const wrong = encodeEntries(await Promise.all(Array.from({ length: 256 }, async () => (await made()).entry)));
      let asked = 0;
      attacker.answers.set(protocols.log, async function* () {
        // A code of our own: it must not be taken for a disk of the victim that is full.
        if (asked++ === 0) throw new NotariumError('storage-full');
        yield wrong;
      });
      await Promise.all(honest.map((member) => member.kill()));
      for (const name of ['log', ...['', '-wal', '-shm'].map((end) => databaseFile + end)]) {
        await rm(join(victim.dataDir, name), { recursive: true, force: true });
      }
      await victim.start();
      await attacker.meet(victim);
      await untilCutOff(victim, 'block-invalid');
      expect(victim.process.stderr()).to.include('the records do not lead to the root of block 1');
      expect((await statusOf(victim.url)).log.size).to.equal(0);
      attacker.answers.delete(protocols.log);
      await Promise.all(others.map((member) => member.start()));
      await untilEmpty();
    });
  });

  describe('floods', () => {
    it('with a frame that is too large: frame-too-large', async () => {
      const victim = await victimFor(25);
      const request = attacker.net.request(victim.address, protocols.vote, [randomBytes(5 * 1024 * 1024)], {
        timeoutMs: 60_000,
      });
      try {
        for await (const _ of request);
        throw new Error('a frame of 5 MiB was taken');
      } catch (error) {
        if (!isNotariumError(error, 'peer-unreachable')) throw error;
      }
      await untilBlamed(victim, 'frame-too-large', 25);
    });

    it('with requests: refused as busy, and then cut off', async () => {
      const victim = await victimFor(100);
      const query = jsonFrame({ instance: '', afterSeq: 0 });
      const codes = new Set<string>();
      const ask = async (): Promise<void> => {
        try {
          for await (const _ of attacker.net.request(victim.address, protocols.pool, [query], { timeoutMs: 10_000 }));
        } catch (error) {
          if (!isNotariumError(error)) throw error;
          codes.add(error.code);
        }
      };
      await until('the flood to be over', async () => {
        await Promise.all(Array.from({ length: 64 }, ask));
        return !attacker.net.peers()[0]!.isConnected;
      });
      expect(codes).to.include('peer-busy');
      await untilCutOff(victim, 'too-many-requests');
    });
  });

  describe('signs two blocks in one slot', () => {
    it('shown to two centres: it is reported and suspended, and the three go on', async () => {
      const [one, two] = honest as [Member, Member, Member];
      // Cut off, it could show them nothing.
      await Promise.all(
        honest.map(async (member) => {
          if ((await scoreAt(member, attacker)) === 0) return;
          await member.kill();
          await member.start();
        }),
      );
      await attacker.meet(...honest);
      await attacker.turn();
      const items = [itemsOf(await made()), itemsOf(await made())];
      const [first, second] = await Promise.all(items.map((some) => attacker.header(one, some)));
      expect(blockHash(consortium.network, first!)).to.not.equal(blockHash(consortium.network, second!));
      await Promise.all([attacker.propose(one, first!, items[0]!), attacker.propose(two, second!, items[1]!)]);
      await until('the attacker to be suspended', async () => {
        const { body } = await json(`${honest[0]!.url}/v1/network`);
        const { centres, committees } = body as {
          centres: { address: string; status: string }[];
          committees: { epoch: number; members: string[] }[];
        };
        const { epoch, members } = committees.at(-1)!;
        const status = centres.find(({ address }) => address === attacker.address)?.status;
        return status === 'suspended' && epoch === 2 && members.length === 3;
      });
      await until('the connections to be cut', async () =>
        attacker.net.peers().every(({ isConnected }) => !isConnected),
      );
      for (const { url } of honest) {
        const { peers } = await statusOf(url);
        expect(peers.map(({ address }) => address)).to.not.include(attacker.address);
      }
      const reports = await Promise.all(honest.map((member) => metric(member, 'notarium_equivocations_total')));
      expect(Math.max(...reports)).to.be.at.least(1);
      expect(honest.some(({ process }) => process.stderr().includes('has signed two blocks in one slot'))).to.equal(
        true,
      );
      const { id } = await publishes(honest[2]!);
      const { height } = await recordOf(honest[0]!.url, id);
      const { body } = await json(`${honest[0]!.url}/v1/blocks/${height}`);
      expect((body as { header: BlockHeader }).header.epoch).to.equal(2);
      expect((body as { signatures: unknown[] }).signatures).to.have.length(3);
    });
  });

  describe('after all that', () => {
    it('no acknowledged record is lost, and the logs are the same', async () => {
      await untilEmpty();
      await expectSameLogs({ ...consortium, members: honest }, acknowledged);
    });
  });
});
