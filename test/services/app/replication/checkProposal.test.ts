import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { checkProposal } from '../../../../services/app/replication/checkProposal.ts';
import { checkTurn } from '../../../../services/app/replication/checkTurn.ts';
import type { Proposal } from '../../../../services/app/replication/ProposalMemory.ts';
import type { BlockLeaves } from '../../../../services/app/replication/Replication.ts';
import { isOwnFault } from '../../../../services/app/replication/voteRefusals.ts';
import { type BlockHeader, zeroHash } from '../../../../services/core/block.ts';
import { concat, fromHex, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { encodeEntries } from '../../../../services/core/log/entryBundle.ts';
import { type CheckedRecord, parseEntry } from '../../../../services/core/record.ts';
import { compactSignature } from '../../../../services/core/signature.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { logAll, row, rows } from '../../store/storeKit.ts';
import { itemOf, openVoter, poolRow, slot, type Voter } from './replicationKit.ts';

/** Ids and leaf hashes of items. */
function leavesOf(items: readonly Uint8Array[]): BlockLeaves {
  const half = (start: number): Uint8Array =>
    new Uint8Array(Buffer.concat(items.map((item) => item.subarray(start, start + 32))));
  return { ids: half(0), leafHashes: half(32) };
}

describe('checkProposal', () => {
  let voter: Voter;
  beforeEach(async () => {
    voter = await openVoter();
  });
  afterEach(() => voter[Symbol.asyncDispose]());

  const pool = (...records: readonly CheckedRecord[]) => voter.store.admit(records.map(poolRow));
  const offer = (...records: readonly CheckedRecord[]): void => {
    for (const { id, entry } of records) voter.offered.set(id, entry);
  };
  const check = async (
    records: readonly CheckedRecord[],
    { wrong = {}, items = records.map(itemOf) }: { wrong?: Partial<BlockHeader>; items?: Uint8Array[] } = {},
  ): Promise<Proposal> => {
    const header = await voter.headerOf(records, wrong);
    return await checkProposal(voter.parts, { header, ...leavesOf(items) }, AbortSignal.timeout(120_000));
  };
  const expectRefused = async (call: Promise<unknown>, reason: string, isFault = true): Promise<void> => {
    const error = await expectCode('vote-refused', call);
    expect(error.detail).to.include(reason);
    expect(isOwnFault(error), 'the fault of the publisher').to.equal(isFault);
  };
  /** Brings records into the log. */
  const log = async (...records: readonly CheckedRecord[]): Promise<void> => {
    await logAll(voter.store, records.map(poolRow), slot - 5);
  };
  /** The same record with its signature in the 64-byte form: another entry with the same id. */
  const respelt = (record: CheckedRecord): CheckedRecord => {
    const { signature } = record.record;
    const text = new TextDecoder().decode(record.entry);
    return parseEntry(utf8(text.replace(signature, toHex(compactSignature(fromHex(signature))))));
  };

  it('takes records of the pool, and others that the publisher gives', async () => {
    const [one, two, three] = [await voter.record(), await voter.record(), await voter.record()];
    await pool(one, three);
    offer(two);
    const { ids, seqs, extras } = await check([one, two, three]);
    expect(toHex(ids)).to.equal(toHex(concat(one.idBytes, two.idBytes, three.idBytes)));
    expect([...seqs].every((seq) => seq > 0)).to.equal(true);
    // The second one is in the pool by now, so nothing has to be remembered.
    expect([...extras]).to.deep.equal([]);
    expect((await voter.store.poolStatus()).count).to.equal(3);
    expect(voter.blames).to.deep.equal([]);
  });

  it('remembers an entry that the pool has in another form', async () => {
    const record = await voter.record();
    await pool(record);
    const other = respelt(record);
    expect(other.id).to.equal(record.id);
    offer(other);
    const { extras } = await check([other]);
    expect([...extras.keys()]).to.deep.equal([0]);
    expect(extras.get(0)).to.deep.equal(other.entry);
  });

  describe('refuses', () => {
    it('another height, parent or slot', async () => {
      await log(await voter.record());
      const record = await voter.record();
      await pool(record);
      await expectCode('vote-behind', check([record], { wrong: { height: 3 } }));
      await expectRefused(check([record], { wrong: { height: 1 } }), 'the height is taken', false);
      await expectRefused(check([record], { wrong: { parent: toHex(randomBytes(32)) } }), 'another parent', false);
      await expectRefused(check([record], { wrong: { slot: slot - 5 } }), 'the slot is not later');
    });

    it('a size or root that is not that of the records', async () => {
      const record = await voter.record();
      await pool(record);
      await expectRefused(check([record], { wrong: { treeSize: 2 } }), 'the size does not fit');
      await expectRefused(check([], { wrong: { treeSize: 0 } }), 'the size does not fit');
      await expectRefused(check([record], { wrong: { root: toHex(randomBytes(32)) } }), 'the root is not that');
      const items = [itemOf(await voter.record())];
      await expectRefused(check([record], { items }), 'the root is not that');
    });

    it('a wrong root of more records than a call can have arguments', async () => {
      const items = Array<Uint8Array>(130_000).fill(new Uint8Array(64));
      await expectRefused(check([], { items, wrong: { treeSize: items.length } }), 'the root is not that');
    });

    it('a record twice, by its id', async () => {
      const [one, two] = [await voter.record(), await voter.record()];
      await pool(one, two);
      await expectRefused(check([one, one]), 'a record stands in it twice');
      const items = [itemOf(one), Uint8Array.from([...one.idBytes, ...itemOf(two).subarray(32)])];
      await expectRefused(check([one, two], { items }), 'a record stands in it twice');
    });

    it('a record of the log, in any form', async () => {
      const record = await voter.record();
      await log(record);
      offer(record);
      await expectRefused(check([record]), 'a record is in the log');
      const other = respelt(record);
      offer(other);
      await expectRefused(check([other]), 'a record is in the log');
    });

    it('a record that the publisher does not have', async () => {
      await expectRefused(check([await voter.record()]), 'does not give valid records', false);
    });

    it('a forged record, and blames for it', async () => {
      const [right, other] = [await voter.record(), await voter.record()];
      const text = new TextDecoder().decode(right.entry).replace(right.record.signature, other.record.signature);
      const forged = { ...right, entry: utf8(text) };
      offer(forged);
      await expectRefused(check([forged]), 'does not give valid records', false);
      expect(voter.blames).to.deep.equal([{ peer: voter.publisher, reason: 'signature-mismatch', points: 10 }]);
    });

    it('a record that stands for another id', async () => {
      const [one, two] = [await voter.record(), await voter.record()];
      voter.answerWith(() => [encodeEntries([two.entry])]);
      await expectRefused(check([one]), 'does not give valid records', false);
    });

    it('more records than were asked for', async () => {
      const [one, two] = [await voter.record(), await voter.record()];
      voter.answerWith(() => [encodeEntries([two.entry, one.entry])]);
      await expectCode('peer-answer-invalid', check([one]));
      expect(voter.blames).to.deep.equal([{ peer: voter.publisher, reason: 'answer-invalid', points: 25 }]);
    });

    it('what had expired when the slot began, from the pool or not: it may stand in a log that lost its anchors', async () => {
      const expires = new Date(slot * 1000).toISOString();
      const [one, two] = [await voter.record({ expires }), await voter.record({ expires })];
      await pool(one);
      offer(two);
      await expectRefused(check([one]), 'a record had expired', false);
      await expectRefused(check([two]), 'a record had expired', false);
    });

    it('two successors of one record, and one of a record that nobody has', async () => {
      const title = await voter.record();
      await log(title);
      const heirs = [await voter.record({ supersedes: title.id }), await voter.record({ supersedes: title.id })];
      offer(...heirs);
      await expectRefused(check(heirs), 'two records supersede the same one');
      const orphan = await voter.record({ supersedes: toHex(randomBytes(32)) });
      offer(orphan);
      await expectRefused(check([orphan]), 'a superseded record is not in the log');
    });

    it('a successor before its predecessor, or of one that only the pool has', async () => {
      const title = await voter.record();
      await pool(title);
      const heir = await voter.record({ supersedes: title.id });
      await pool(heir);
      await expectRefused(check([heir, title]), 'a superseded record is not in the log');
      await expectRefused(check([heir]), 'a superseded record is not in the log');
      expect((await check([title, heir])).ids).to.have.length(64);
    });

    it('a rival of a successor that is in the log, but not of one in the pool', async () => {
      const [title, deed] = [await voter.record(), await voter.record()];
      await log(title, deed);
      await logAll(voter.store, [poolRow(await voter.record({ supersedes: title.id }))], slot - 4);
      const rival = await voter.record({ supersedes: title.id });
      offer(rival);
      await expectRefused(check([rival]), 'a record is superseded already');
      await pool(await voter.record({ supersedes: deed.id }));
      const winner = await voter.record({ supersedes: deed.id });
      offer(winner);
      expect((await check([winner])).extras.size).to.equal(1);
    });

    it('a successor by one who is not the holder, in the log or in the block', async () => {
      const title = await voter.record();
      await log(title);
      const stolen = await voter.record({ supersedes: title.id }, randomSigner());
      offer(stolen);
      await expectRefused(check([stolen]), 'only the holder may supersede');
      const fresh = await voter.record();
      const also = await voter.record({ supersedes: fresh.id }, randomSigner());
      offer(fresh, also);
      await expectRefused(check([fresh, also]), 'only the holder may supersede');
    });
  });

  it('lets a record through that expires while it is looked at', async () => {
    const record = await voter.record({ expires: new Date(slot * 1000 + 100).toISOString() });
    offer(record);
    expect((await check([record])).ids).to.have.length(32);
  });

  it('votes with a full pool, too', async () => {
    const record = await voter.record();
    offer(record);
    voter.setRoom(0);
    expect((await check([record])).ids).to.have.length(32);
    voter.setRoom(-100);
    await expectCode('pool-full', check([await offered()]));
    async function offered(): Promise<CheckedRecord> {
      const other = await voter.record();
      offer(other);
      return other;
    }
  });

  it('blames nobody when another block comes in meanwhile', async () => {
    const record = await voter.record();
    voter.answerWith(() => []);
    const { parts, store } = voter;
    const poolLeaves: typeof store.poolLeaves = async (ids) => {
      await logAll(store, rows(3), slot - 2);
      return await store.poolLeaves(ids);
    };
    const header = await voter.headerOf([record]);
    const behind = { ...parts, store: { ...store, poolLeaves } };
    const block = { header, ...leavesOf([itemOf(record)]) };
    await expectRefused(checkProposal(behind, block, AbortSignal.timeout(120_000)), 'the height is taken', false);
    expect(voter.blames).to.deep.equal([]);
  });

  it('blames nobody for a log that a reorganisation has left shorter than ours', async () => {
    await logAll(voter.store, [row('one')], slot - 3);
    await logAll(voter.store, [row('two')], slot - 2);
    await voter.store.orphanBlocks(1);
    const record = await voter.record();
    await pool(record);
    await expectRefused(check([record]), 'our log goes on otherwise', false);
  });
});

describe('checkTurn', () => {
  const [one, two] = [randomSigner().address, randomSigner().address];
  const committee = { epoch: 3, members: [one, two] };
  const parts = (nowSlot: number) =>
    ({
      periodSeconds: 2,
      clock: { nowMs: () => nowSlot * 2000 + 1, sleep: async () => {} },
      chain: { committee: async () => committee },
    }) as unknown as Parameters<typeof checkTurn>[0];
  const header = (fields: Partial<BlockHeader>): BlockHeader => ({
    ...{ height: 1, slot: 100, treeSize: 1, root: zeroHash, parent: zeroHash },
    ...{ epoch: 3, publisher: one },
    ...fields,
  });

  it('lets the publisher of the slot propose, a slot early or late', async () => {
    for (const now of [99, 100, 101]) await checkTurn(parts(now), header({}), one);
  });

  it('refuses everybody and everything else', async () => {
    const refusals = [
      [checkTurn(parts(98), header({}), one), 'the slot is not now', false],
      [checkTurn(parts(102), header({}), one), 'the slot is not now', false],
      [checkTurn(parts(100), header({ epoch: 2 }), one), 'another epoch', false],
      [checkTurn(parts(100), header({ slot: 101 }), one), 'not its turn', true],
      [checkTurn(parts(100), header({ publisher: two }), two), 'not its turn', true],
      [checkTurn(parts(100), header({}), two), 'not the publisher of the header', true],
    ] as const;
    for (const [call, reason, isFault] of refusals) {
      const error = await expectCode('vote-refused', call);
      expect(error.detail).to.include(reason);
      expect(isOwnFault(error), reason).to.equal(isFault);
    }
  });
});
