import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { jsonFrame, protocols } from '../../services/app/replication/wire.ts';
import type { BlockHeader } from '../../services/core/block.ts';
import { toHex } from '../../services/core/bytes.ts';
import { slotStartMs } from '../../services/core/committee.ts';
import { isNotariumError } from '../../services/core/errors.ts';
import { encodeEntries } from '../../services/core/log/entryBundle.ts';
import type { CheckedRecord } from '../../services/core/record.ts';
import type { Signer } from '../../services/core/signature.ts';
import type { Item } from '../support/attacker.ts';
import { post } from '../support/centreApi.ts';
import type { Member } from '../support/consortium.ts';
import { maliciousCentre } from '../support/maliciousCentre.ts';
import { randomSigner } from '../support/recordKit.ts';
import { expectSameLogs } from '../support/sameLogs.ts';

const notNow = 'the slot is not now';

describe('a malicious centre that proposes blocks', () => {
  const kit = maliciousCentre();
  const {
    acknowledged,
    made,
    itemsOf,
    forged,
    victimsFor,
    victimFor,
    blamed,
    untilCutOff,
    publishes,
    untilLogged,
    untilEmpty,
    expectRefused,
    inTurn,
    isLate,
    showToAll,
  } = kit;

  /** Proposes a header that is wrong in one respect. */
  async function expectNoVoteFor(wrong: Partial<BlockHeader>, reason: string, by?: Signer): Promise<void> {
    const victim = await victimFor(25);
    const items = itemsOf(await made());
    const [error] = await inTurn(async () => [
      await kit.attacker.propose(victim, await kit.attacker.header(victim, items, wrong), items, by),
    ]);
    await expectRefused(victim, error, reason);
  }

  /** Proposes the attacker's right header so many slots away from its turn. */
  async function expectNoVoteAway(slots: number, reason: string): Promise<void> {
    for (;;) {
      const victim = await victimFor(25);
      const slot = (await kit.attacker.turn()) + slots;
      const items = itemsOf(await made());
      const error = await kit.attacker.propose(victim, await kit.attacker.header(victim, items, { slot }), items);
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
      return [await kit.attacker.propose(victim, await kit.attacker.header(victim, items), items)];
    });
    await expectRefused(victim, error, reason);
  }

  describe('proposes a block', () => {
    it('out of turn', () => expectNoVoteAway(-1, 'it is not its turn'));

    it('in a slot that is over', () => expectNoVoteAway(-40, notNow));

    it('in a slot that is to come', () => expectNoVoteAway(40, notNow));

    it('in the name of another', () =>
      expectNoVoteFor({ publisher: kit.honest[0]!.address }, 'the proposer is not the publisher'));

    it('with a wrong epoch', () => expectNoVoteFor({ epoch: 7 }, 'another epoch is in force'));

    it('that it has not signed: nobody could prove that it signed two', () =>
      expectNoVoteFor({}, 'the publisher has not signed the header', randomSigner()));

    it('with a wrong parent', () => expectNoVoteFor({ parent: toHex(randomBytes(32)) }, 'another parent'));

    it('with a record that is in the log already', async () => {
      const record = await publishes(kit.honest[0]!);
      await expectNoVoteWith(async () => [record], 'a record is in the log');
    });

    it('with an expired record', () =>
      expectNoVoteWith(
        async (slot) => [await made({ expires: new Date(slotStartMs(slot, 1)).toISOString() })],
        'a record had expired',
      ));

    it('with two successors of one record', async () => {
      const { id } = await publishes(kit.honest[0]!);
      const rivals = await Promise.all([made({ supersedes: id }), made({ supersedes: id })]);
      await expectNoVoteWith(async () => rivals, 'two records supersede the same one');
    });

    it('with a rival of a successor that is in the log', async () => {
      const { id } = await publishes(kit.honest[0]!);
      const heir = await made({ supersedes: id });
      expect((await post(kit.honest[1]!.url, heir)).status).to.equal(201);
      acknowledged.push(heir.id);
      await untilLogged(heir);
      await expectNoVoteWith(async () => [await made({ supersedes: id })], 'a record is superseded already');
    });

    it('with a successor by one who is not the holder', async () => {
      const { id } = await publishes(kit.honest[0]!);
      await expectNoVoteWith(
        async () => [await made({ supersedes: id }, randomSigner())],
        'only the holder may supersede',
      );
    });

    /** Sends a member the first half of a proposal, and then another proposal; answers what that one has got. */
    async function proposeHalf(victim: Member) {
      const slot = await kit.attacker.turn();
      const header = await kit.attacker.header(victim, itemsOf(await made()));
      const stop = new AbortController();
      const taken = Promise.withResolvers<void>();
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        yield jsonFrame(await kit.attacker.sign(header));
        taken.resolve();
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
      };
      const options = { timeoutMs: 60_000, signal: stop.signal };
      const ended = (async () => {
        for await (const _ of kit.attacker.net.request(victim.address, protocols.vote, silent(), options));
      })().catch((error: unknown) => error);
      // What is taken goes out when nothing more is at hand; on one connection nothing overtakes it.
      await taken.promise;
      await setImmediate();
      await setImmediate();
      const error = await kit.attacker.propose(victim, { ...header, slot }, []);
      return {
        error,
        async end() {
          stop.abort();
          await ended;
        },
      };
    }

    it('by half, and keeps silent: others are voted for meanwhile', async () => {
      const victim = await victimFor(5);
      let half = await proposeHalf(victim);
      // Where the machine was too slow for the slot, the first one is over as well.
      while (isLate(half.error)) {
        await half.end();
        half = await proposeHalf(victim);
      }
      // A second one is not looked at before the first is over.
      expect(half.error?.code).to.equal('peer-busy');
      // With the attacker mute, each block needs the victim's vote.
      await publishes(kit.honest[0]!);
      await publishes(kit.honest[1]!);
      await half.end();
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
      const offered = kit.attacker.answers.get(protocols.records)!;
      kit.attacker.answers.set(protocols.records, async function* (_, from) {
        if (from === victims[0]!.address) yield encodeEntries([bad.entry]);
        while (from === victims[2]!.address) yield encodeEntries([(await made()).entry]);
      });
      answers.push(...(await showToAll(victims, items)));
      kit.attacker.answers.set(protocols.records, offered);
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

  describe('after all that', () => {
    it('no acknowledged record is lost, and the logs are the same', async () => {
      await untilEmpty();
      await expectSameLogs({ ...kit.consortium, members: kit.honest }, acknowledged);
    });
  });
});
