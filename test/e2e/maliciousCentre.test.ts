import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { jsonFrame, protocols, topics } from '../../services/app/replication/wire.ts';
import type { BlockHeader } from '../../services/core/block.ts';
import { blockHash } from '../../services/core/block.ts';
import { concat, toHex, utf8 } from '../../services/core/bytes.ts';
import { isNotariumError, NotariumError } from '../../services/core/errors.ts';
import { encodeEntries } from '../../services/core/log/entryBundle.ts';
import { databaseFile } from '../../services/store/database.ts';
import { json, post, recordOf } from '../support/centreApi.ts';
import { statusOf } from '../support/centreProcess.ts';
import type { Member } from '../support/consortium.ts';
import { maliciousCentre } from '../support/maliciousCentre.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { expectSameLogs } from '../support/sameLogs.ts';
import { until } from '../support/until.ts';

const notNow = 'the slot is not now';

describe('a malicious centre', () => {
  const kit = maliciousCentre();
  const {
    submitter,
    acknowledged,
    made,
    itemsOf,
    forged,
    scoreAt,
    victimsFor,
    victimFor,
    metric,
    untilBlamed,
    untilCutOff,
    publishes,
    untilLogged,
    untilEmpty,
  } = kit;

  describe('gossips', () => {
    const gossips = (name: string, reason: string, make: () => Promise<Uint8Array>, points = 30): void => {
      it(`${name}: ${reason}`, async () => {
        const victim = await victimFor(points);
        await kit.attacker.gossip(topics.records, make);
        await untilBlamed(victim, reason);
        await untilBlamed(victim, 'gossip-rejected');
        await until('the reason in the log', () => victim.process.stderr().includes(reason));
      });
    };
    gossips('a record with a bad signature', 'signature-mismatch', async () => encodeEntries([(await forged()).entry]));
    gossips('a record of another network', 'record-network-mismatch', async () => {
      const network = { ...kit.consortium.network, chainId: 1 };
      return encodeEntries([(await signedRecord(network, submitter, `elsewhere ${randomUUID()}`)).entry]);
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
      await kit.attacker.gossip(topics.records, async () => encodeEntries([record.entry, (await made()).entry]));
      await untilLogged(record);
    });

    it('headers that somebody else has signed: nobody passes them on', async () => {
      const victim = await victimFor(20);
      await kit.attacker.turn();
      const header = await kit.attacker.header(victim, itemsOf(await made()));
      const stranger = randomSigner();
      await kit.attacker.gossip(topics.headers, async () =>
        jsonFrame(await kit.attacker.sign({ ...header, root: toHex(randomBytes(32)) }, stranger)),
      );
      await untilBlamed(victim, 'gossip-rejected');
    });

    it('what is too large: gossip-too-large', async () => {
      const victim = await victimFor(50);
      await kit.attacker.gossip(topics.records, async () => randomBytes(1024 * 1024));
      await untilBlamed(victim, 'gossip-too-large');
    });
  });

  describe('answers', () => {
    it('a request for its pool without end: answer-invalid', async () => {
      kit.attacker.answers.set(protocols.pool, async function* () {
        yield jsonFrame({ instance: 'endless', lastSeq: 0, isEnd: false });
      });
      const victim = await victimFor(25);
      await untilBlamed(victim, 'answer-invalid', 25);
      kit.attacker.answers.delete(protocols.pool);
    });

    it('a request for its pool with ids that have no records: records-withheld, and cut off when it goes on', async () => {
      let page = 0;
      kit.attacker.answers.set(protocols.pool, async function* () {
        page++;
        yield jsonFrame({ instance: 'made up', lastSeq: page, isEnd: false });
        yield randomBytes(32 * 4_000);
      });
      const victim = await victimFor(99);
      await untilCutOff(victim, 'records-withheld');
      expect(page).to.be.at.most(30);
      kit.attacker.answers.delete(protocols.pool);
      // The next ones meet it again.
      await victim.kill();
      await victim.start();
    });

    it('a request for a vote with the signature of another key: it does not count', async () => {
      // One that has cut it off would never connect; each turn costs 20 points, and a slow machine takes several.
      const [one, two] = (await victimsFor(60, 2)) as [Member, Member];
      const third = kit.honest.find((member) => member !== one && member !== two)!;
      kit.attacker.answers.set(protocols.vote, async function* () {
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
      kit.attacker.answers.delete(protocols.vote);
      await third.start();
      await untilLogged(record);
    });

    it('a centre that catches up with wrong entries: discarded, and got elsewhere', async () => {
      const [victim, ...others] = kit.honest as [Member, Member, Member];
      const wrong = encodeEntries(await Promise.all(Array.from({ length: 256 }, async () => (await made()).entry)));
      let asked = 0;
      kit.attacker.answers.set(protocols.log, async function* () {
        // A code of our own: it must not be taken for a disk of the victim that is full.
        if (asked++ === 0) throw new NotariumError('storage-full');
        yield wrong;
      });
      await Promise.all(kit.honest.map((member) => member.kill()));
      for (const name of ['log', ...['', '-wal', '-shm'].map((end) => databaseFile + end)]) {
        await rm(join(victim.dataDir, name), { recursive: true, force: true });
      }
      await victim.start();
      await kit.attacker.meet(victim);
      await untilCutOff(victim, 'block-invalid');
      const reason = 'the records do not lead to the root of block 1';
      await until('the reason in the log', () => victim.process.stderr().includes(reason));
      expect((await statusOf(victim.url)).log.size).to.equal(0);
      kit.attacker.answers.delete(protocols.log);
      await Promise.all(others.map((member) => member.start()));
      await untilEmpty();
    });
  });

  describe('floods', () => {
    it('with a frame that is too large: frame-too-large', async () => {
      const victim = await victimFor(25);
      const request = kit.attacker.net.request(victim.address, protocols.vote, [randomBytes(5 * 1024 * 1024)], {
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
          for await (const _ of kit.attacker.net.request(victim.address, protocols.pool, [query], {
            timeoutMs: 10_000,
          }));
        } catch (error) {
          if (!isNotariumError(error)) throw error;
          codes.add(error.code);
        }
      };
      await until('the flood to be over', async () => {
        await Promise.all(Array.from({ length: 64 }, ask));
        return !kit.attacker.net.peers()[0]!.isConnected;
      });
      expect(codes).to.include('peer-busy');
      await untilCutOff(victim, 'too-many-requests');
    });
  });

  describe('signs two blocks in one slot', () => {
    it('shown to two centres: it is reported and suspended, and the three go on', async () => {
      const [one, two] = kit.honest as [Member, Member, Member];
      // Cut off, it could show them nothing.
      await Promise.all(
        kit.honest.map(async (member) => {
          if ((await scoreAt(member, kit.attacker)) === 0) return;
          await member.kill();
          await member.start();
        }),
      );
      await kit.attacker.meet(...kit.honest);
      const suspended = until('the attacker to be suspended', async () => {
        const { body } = await json(`${kit.honest[0]!.url}/v1/network`);
        const { centres, committees } = body as {
          centres: { address: string; status: string }[];
          committees: { epoch: number; members: string[] }[];
        };
        const { epoch, members } = committees.at(-1)!;
        const status = centres.find(({ address }) => address === kit.attacker.address)?.status;
        return status === 'suspended' && epoch === 2 && members.length === 3;
      });
      for (;;) {
        const slot = await Promise.race([kit.attacker.turn(), suspended]);
        if (slot === true) break;
        const items = [itemsOf(await made()), itemsOf(await made())];
        const [first, second] = await Promise.all(items.map((some) => kit.attacker.header(one, some)));
        expect(blockHash(kit.consortium.network, first!)).to.not.equal(blockHash(kit.consortium.network, second!));
        const refused = await Promise.all([
          kit.attacker.propose(one, first!, items[0]!),
          kit.attacker.propose(two, second!, items[1]!),
        ]);
        // Of a slot that is over nobody looks at the header: on a slow machine it takes another turn.
        if (!refused.some((error) => error?.detail === notNow)) break;
      }
      await suspended;
      await until('the connections to be cut', async () =>
        kit.attacker.net.peers().every(({ isConnected }) => !isConnected),
      );
      for (const { url } of kit.honest) {
        const { peers } = await statusOf(url);
        expect(peers.map(({ address }) => address)).to.not.include(kit.attacker.address);
      }
      const reports = await Promise.all(kit.honest.map((member) => metric(member, 'notarium_equivocations_total')));
      expect(Math.max(...reports)).to.be.at.least(1);
      await until('somebody to say so', () =>
        kit.honest.some(({ process }) => process.stderr().includes('has signed two blocks in one slot')),
      );
      const { id } = await publishes(kit.honest[2]!);
      const { height } = await recordOf(kit.honest[0]!.url, id);
      const { body } = await json(`${kit.honest[0]!.url}/v1/blocks/${height}`);
      expect((body as { header: BlockHeader }).header.epoch).to.equal(2);
      expect((body as { signatures: unknown[] }).signatures).to.have.length(3);
    });
  });

  describe('after all that', () => {
    it('no acknowledged record is lost, and the logs are the same', async () => {
      await untilEmpty();
      await expectSameLogs({ ...kit.consortium, members: kit.honest }, acknowledged);
    });
  });
});
