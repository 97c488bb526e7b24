import { expect } from 'chai';
import { createMetrics } from '../../../../services/app/metrics.ts';
import { castVotes } from '../../../../services/app/replication/castVotes.ts';
import { ProposalMemory } from '../../../../services/app/replication/ProposalMemory.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { jsonFrame, protocols, readJson, voteAnswerSchema } from '../../../../services/app/replication/wire.ts';
import { type BlockHeader, blockDigest, blockHash } from '../../../../services/core/block.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import type { CheckedRecord } from '../../../../services/core/record.ts';
import type { Signer } from '../../../../services/core/signature.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { logAll, row, rows } from '../../store/storeKit.ts';
import { itemOf, openVoter, poolRow, slot, testNetwork, type Voter } from './replicationKit.ts';

describe('castVotes', () => {
  let voter: Voter;
  beforeEach(async () => {
    voter = await openVoter();
  });
  afterEach(() => voter[Symbol.asyncDispose]());

  /** What answers proposals, by a process that has just been started on the store. */
  function started(store: Store, signer: Signer): RequestHandler {
    let handler: RequestHandler | undefined;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: (protocol, given) => {
        expect(protocol).to.equal(protocols.vote);
        handler = given;
      },
    };
    const parts = {
      ...voter.parts,
      store,
      signer,
      net: net as Net,
      metrics: createMetrics(),
      proposals: new ProposalMemory(),
      chain: { committee: async () => ({ epoch: 1, members: [voter.publisher] }) },
    } as unknown as ReplicationParts;
    castVotes(parts, async () => true);
    return handler!;
  }

  async function ask(
    handler: RequestHandler,
    header: BlockHeader,
    records: readonly Parameters<typeof itemOf>[0][],
  ): Promise<string> {
    // What `onHeader` would check; here it is told that all is well.
    const head = jsonFrame({ header, signature: `0x${'11'.repeat(65)}` });
    const frames = (async function* () {
      yield head;
      for (const record of records) yield itemOf(record);
    })();
    for await (const answer of handler(frames, voter.publisher, AbortSignal.timeout(120_000))) {
      return readJson(voteAnswerSchema, answer).signature;
    }
    throw new Error('no answer');
  }

  it('signs nothing before the vote is on disk, and in a slot one block for ever, also after a crash', async () => {
    const key = randomSigner();
    const stood: (string | undefined)[] = [];
    const signer: Signer = {
      address: key.address,
      async sign(digest) {
        stood.push((await voter.store.voteOf(slot))?.hash);
        return await key.sign(digest);
      },
    };
    const [one, other] = [await voter.record(), await voter.record()];
    await voter.store.admit([one, other].map(poolRow));
    const [first, second] = [await voter.headerOf([one]), await voter.headerOf([other])];
    const signature = await ask(started(voter.store, signer), first, [one]);
    expect(signature).to.equal(toHex(await key.sign(blockDigest(testNetwork, first))));
    expect(stood).to.deep.equal([blockHash(testNetwork, first)]);

    // As a process that was killed leaves it: nothing but the store is left.
    const reopened = await voter.reopen();
    const again = started(reopened, key);
    const error = await expectCode('vote-refused', ask(again, second, [other]));
    expect(error.detail).to.include('has voted for another block');
    expect(await ask(again, first, [one])).to.equal(signature);
  });

  it('does not sign what the disk does not take', async () => {
    const key = randomSigner();
    let signed = 0;
    const signer: Signer = {
      address: key.address,
      sign: (digest) => {
        signed++;
        return key.sign(digest);
      },
    };
    const record = await voter.record();
    await voter.store.admit([poolRow(record)]);
    const store: Store = Object.create(voter.store, {
      vote: { value: () => Promise.reject(new Error('the disk has gone')) },
    });
    const answer = ask(started(store, signer), await voter.headerOf([record]), [record]);
    expect(await answer.catch((error: Error) => error.message)).to.equal('the disk has gone');
    expect(signed).to.equal(0);
  });

  it('takes as many records more as it has lost the anchors of', async () => {
    await logAll(voter.store, [row('one')], slot - 3);
    const lost = rows(60, 'lost');
    await logAll(voter.store, lost, slot - 2);
    const records: CheckedRecord[] = [];
    while (records.length < 50) records.push(await voter.record());
    await voter.store.admit(records.map(poolRow));
    await voter.store.orphanBlocks(1);
    const tail = lost.map(({ id, entry }) => ({ idBytes: id, entry }));
    const header = await voter.headerOf(records);
    await ask(started(voter.store, randomSigner()), header, [...tail, ...records]);
    const most = voter.parts.settings.maxBlockRecords;
    const tooMany = Array.from({ length: most + tail.length + 1 }, () => tail[0]!);
    await expectCode('vote-refused', ask(started(voter.store, randomSigner()), header, tooMany));
    // Its publisher may have lost more of them than we have.
    const larger = { ...header, treeSize: header.treeSize + tooMany.length };
    await expectCode('vote-refused', ask(started(voter.store, randomSigner()), larger, tooMany));
    expect(voter.blames.map(({ points }) => points)).to.deep.equal([25, 1]);
  });

  it('blames for what is no proposal at all', async () => {
    const handler = started(voter.store, randomSigner());
    const frames = (async function* () {
      yield Uint8Array.of(1, 2, 3);
    })();
    const answers = handler(frames, voter.publisher, AbortSignal.timeout(120_000))[Symbol.asyncIterator]();
    await expectCode('vote-refused', answers.next());
    expect(voter.blames).to.deep.equal([{ peer: voter.publisher, reason: 'vote-refused', points: 25 }]);
  });
});
