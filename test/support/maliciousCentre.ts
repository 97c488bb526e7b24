import { expect } from 'chai';
import { type RecordId, utf8 } from '../../services/core/bytes.ts';
import { isNotariumError } from '../../services/core/errors.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import type { UnsignedRecord } from '../../services/core/recordSchema.ts';
import { type Attacker, type Item, openAttacker } from './attacker.ts';
import { post, recordOf } from './centreApi.ts';
import { statusOf } from './centreProcess.ts';
import { type Consortium, type Member, startConsortium } from './consortium.ts';
import { randomSigner, signedRecord } from './recordKit.ts';
import { until } from './until.ts';

const cutOffScore = 100;
const notNow = 'the slot is not now';

/**
 * A consortium of four of which one does what it likes, in the tests of one `describe`: after each the others agree, publish, and hold nothing
 * against one another.
 */
export function maliciousCentre() {
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

  return {
    get consortium() {
      return consortium;
    },
    get attacker() {
      return attacker;
    },
    get honest() {
      return honest;
    },
    ...{ submitter, acknowledged, made, itemsOf, forged, scoreAt, victimsFor, victimFor },
    ...{
      metric,
      blamed,
      untilBlamed,
      untilCutOff,
      publishes,
      untilLogged,
      untilEmpty,
      expectRefused,
      inTurn,
      isLate,
      showToAll,
    },
  };
}
