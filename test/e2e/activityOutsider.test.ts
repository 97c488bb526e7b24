import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDelivered } from '../../services/app/activities/exchange/envelopeItems.ts';
import type { Envelope } from '../../services/core/activities/envelope.ts';
import { activitySubject, blindedGroup, readProtected } from '../../services/core/activities/sealed.ts';
import { type Hash, toHex } from '../../services/core/bytes.ts';
import { type CheckedRecord, parseEntry } from '../../services/core/record.ts';
import { Notarium } from '../../services/index.ts';
import { openingKey, unseal } from '../../services/lib/activities/seal.ts';
import { openKeystore } from '../../services/lib/keystore.ts';
import { identityOf } from '../../services/net/identity.ts';
import { type ActivityScenes, playActivities, privateParts } from '../support/capture/activityScenes.ts';
import { Haystack } from '../support/capture/Haystack.ts';
import { readTap, type Tap, tapInto } from '../support/capture/readTap.ts';
import { post } from '../support/centreApi.ts';
import { password, statusOf } from '../support/centreProcess.ts';
import { type Consortium, type OnBytes, startConsortium } from '../support/consortium.ts';
import { expectCode } from '../support/expectCode.ts';
import { loggedEntries } from '../support/logOf.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const [buyer, seller, carrier, outsider] = [0, 1, 2, 3] as const;
/** Words that are told to all: a search that does not find them everywhere where they went finds nothing. */
const canary = {
  plain: `canary ${randomBytes(6).toString('hex')}`,
  hex: `canary ${randomBytes(6).toString('hex')}`,
  base64url: `canary ${randomBytes(6).toString('hex')}`,
  path: `canary${randomBytes(6).toString('hex')}`,
};

describe('what an outsider sees of private activities', () => {
  let consortium: Consortium;
  let scenes: ActivityScenes;
  /** The log's records, as the outsider has them. */
  let records: (CheckedRecord & { readonly text: string })[];
  /** All that the outsider has received, said, written and logged. */
  const seen = new Haystack();
  let tapOfOutsider: Tap;
  let tapOfSeller: Tap;
  const bytes = new Map<string, Buffer[]>();
  const tell: OnBytes = (way, centres, some) => {
    // Who asks a centre over HTTP cannot be told from the bytes: what all of them are asked is more than what the outsider hears.
    if (way !== 'http' && !centres.includes(outsider)) return;
    const name = `${way} ${centres.join('-')}`;
    bytes.set(name, [...(bytes.get(name) ?? []), some]);
  };
  /** What a stranger without a key reads at each member, and its operator. */
  const told = { openly: [] as string[], operator: [] as string[] };
  const activityRecords = () => records.filter(({ record }) => record.kind === 'activity');

  before(async () => {
    consortium = await startConsortium({ centres: 4, idle: [seller, outsider], onBytes: tell });
    const { members, chain } = consortium;
    const taps = [seller, outsider].map((index) => join(members[index]!.dataDir, '..', `tap ${index}`));
    const spec = members[outsider]!.spec;
    const args = [...spec.args!, '--log-level', 'debug'];
    await Promise.all([
      members[seller]!.start({ env: tapInto(taps[0]!) }),
      members[outsider]!.start({ args, env: tapInto(taps[1]!) }),
    ]);
    await until('everybody connected with everybody', async () => {
      const all = await Promise.all(members.map(({ url }) => statusOf(url)));
      return all.every(({ peers }) => peers.every(({ connected }) => connected));
    });
    const desks = await Promise.all(
      [buyer, seller, carrier].map(async (index) => {
        const { url, dataDir } = members[index]!;
        const apiKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
        return new Notarium({ url, apiKey, rpcUrl: chain.rpcUrl }).activities;
      }),
    );
    const names = members.map(({ entry }) => entry.name) as [string, string, string];
    scenes = await playActivities(desks as [(typeof desks)[0], (typeof desks)[0], (typeof desks)[0]], names);
    await tellCanaries();
    await until('the same log everywhere', async () => {
      const all = await Promise.all(members.map(({ url }) => statusOf(url)));
      return all.every(({ pool, log }) => pool.count === 0 && log.root === all[0]!.log.root);
    });
    records = (await loggedEntries(members[outsider]!.url)).map((entry) => ({
      ...parseEntry(entry),
      text: Buffer.from(entry).toString(),
    }));
    await askMembers();
    // What it has written is on its disk then, and nobody writes any more.
    await Promise.all([members[outsider]!.stop(), members[seller]!.stop()]);
    [tapOfSeller, tapOfOutsider] = (await Promise.all(taps.map(readTap))) as [Tap, Tap];
    await gather();
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  /** A record for everybody, with the canaries, and a request to the outsider. */
  async function tellCanaries(): Promise<void> {
    const { members, network } = consortium;
    const said = [
      canary.plain,
      Buffer.from(canary.hex).toString('hex'),
      Buffer.from(canary.base64url).toString('base64url'),
    ];
    const record = await signedRecord(network, randomSigner(), said.join(' '));
    expect((await post(members[buyer]!.url, record)).status).to.equal(201);
    const { status } = await fetch(`${members[outsider]!.entry.endpoint}/v1/records/${canary.path}`);
    expect(status).to.equal(400);
  }

  /** Over HTTP, what is open at each member. */
  async function askMembers(): Promise<void> {
    for (const index of [buyer, seller, carrier]) {
      const { url, dataDir } = consortium.members[index]!;
      const apiKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
      const ask = async (headers: Record<string, string>): Promise<string> => {
        const paths = ['/metrics', '/v1/status', '/readyz'];
        const answers = await Promise.all(paths.map((path) => fetch(`${url}${path}`, { headers })));
        return (await Promise.all(answers.map((answer) => answer.text()))).join('\n');
      };
      told.openly.push(await ask({}));
      told.operator.push(await ask({ authorization: `Bearer ${apiKey}` }));
    }
  }

  async function gather(): Promise<void> {
    const { dataDir, process } = consortium.members[outsider]!;
    for (const [name, parts] of bytes) seen.add(name, Buffer.concat(parts));
    for (const raw of tapOfOutsider.raw) seen.add('decrypted', raw);
    for (const stream of tapOfOutsider.streams) {
      seen.add('stream', stream.bytes);
      for (const part of stream.parts) seen.add(`part of ${stream.protocol}`, part);
    }
    for (const line of `${process.stdout()}\n${process.stderr()}`.split('\n')) seen.add('log line', line);
    await seen.addFolder('disk', dataDir);
    for (const { text } of records) seen.add('entry', text);
  }

  it('is searched in all that it has: what was told to everybody is found in each of them', () => {
    const { deployed } = consortium;
    for (const word of [canary.plain, canary.hex, canary.base64url]) {
      const where = seen.where(word).join('\n');
      expect(where)
        .to.match(/^decrypted$/m)
        .and.to.match(/^stream$/m)
        .and.to.match(/^entry$/m);
      expect(where).to.match(/^part of .*\/meshsub\//m);
      expect(where)
        .to.match(/^disk .*tile/m)
        .and.to.match(/^disk notarium\.sqlite/m);
    }
    expect(seen.where(canary.path).toSorted()).to.include.members([`http ${outsider}`, 'log line']);
    expect(seen.where(deployed.contract)).to.include(`chain ${outsider}`);
    for (const index of [buyer, seller, carrier])
      expect(bytes.has(`wire ${outsider}-${index}`) || bytes.has(`wire ${index}-${outsider}`)).to.equal(true);
  });

  it('is searched in a way that finds a member’s own words, names and keys where they are', async () => {
    const own = new Haystack();
    for (const message of scenes.messages) own.add('plaintext', JSON.stringify(message));
    for (const stream of tapOfSeller.streams) own.add(stream.protocol, stream.bytes);
    for (const [what, secret] of scenes.secrets) {
      if (what.endsWith('of a file') && !what.startsWith('name')) continue;
      // Fields are base64url in what is said.
      expect(own.where(secret), what).to.include('plaintext');
    }
    // What goes to a member names the message and all that it is sealed to; to the outsider goes nothing of the kind.
    const { entry } = consortium.members[carrier]!;
    const delivered = (protocol: string): boolean => protocol.endsWith('/activities/1');
    expect(own.where(entry.encryptionKey).filter(delivered)).to.have.length(1);
    expect(own.where(scenes.messages[0]!.id).filter(delivered)).to.have.length(1);
    const activityStreams = ({ streams }: Tap): number =>
      streams.filter(({ protocol }) => protocol.includes('activit')).length;
    expect(activityStreams(tapOfSeller)).to.be.greaterThan(0);
    expect(activityStreams(tapOfOutsider)).to.equal(0);
  });

  it('is nothing at any member that says that it takes part: that is for its operator', () => {
    for (const text of told.openly)
      expect(text)
        .to.include('notarium_log_size')
        .and.not.to.match(/activit/);
    for (const text of told.operator)
      expect(text).to.match(/notarium_activity_messages_(sent|taken)_total\{.*\} [1-9]/);
  });

  it('is nothing of what was said: no word, no name of a file or of a field, no file, no id, salt or key', () => {
    expect(seen.sizeBytes).to.be.greaterThan(100_000);
    for (const [what, secret] of [...scenes.secrets, ...privateParts(scenes.messages)])
      expect(seen.where(secret), what).to.deep.equal([]);
  });

  it('is in no record of the log who the members are', async () => {
    const log = new Haystack();
    for (const { text } of activityRecords()) log.add('entry', text);
    for (const name of await namesOfMembers()) expect(log.where(name.secret), name.what).to.deep.equal([]);
  });

  it('is nowhere a member beside a record, but the centre that has handed the record in', async () => {
    const names = await namesOfMembers();
    const beside = new Map<number, Set<number>>();
    for (const { index, secret } of names)
      beside.set(index, (beside.get(index) ?? new Set<number>()).union(seen.placesOf(secret)));
    for (const index of [buyer, seller, carrier]) expect(beside.get(index)!.size).to.be.greaterThan(0);
    const bySeal = new Map(scenes.messages.map(({ sealDigest, sender }) => [sealDigest.slice(2), sender]));
    let found = 0;
    for (const { record, id } of activityRecords()) {
      const sender = bySeal.get(record.digest.replace('sha-256:', ''));
      for (const token of [id, record.subject, record.digest.replace('sha-256:', '0x'), record.submitter]) {
        for (const place of seen.placesOf(token)) {
          // All that a connection has brought or a database has in one file is together there.
          if (!/^(part of|log line|entry|disk \S+ \w+$)/.test(seen.nameOf(place))) continue;
          found++;
          const others = names.filter(({ index }) => consortium.members[index]!.address !== sender);
          const named = others.filter(({ index }) => beside.get(index)!.has(place));
          expect(named, `${token} in ${seen.nameOf(place)}`).to.deep.equal([]);
        }
      }
    }
    expect(found).to.be.greaterThan(activityRecords().length);
  });

  it('cannot be linked: no two records have anything in common but form, network and time', () => {
    const certificates = scenes.messages.filter(({ type }) => type === 'certificate').length;
    expect(certificates).to.equal(1);
    const all = activityRecords();
    expect(all).to.have.length(scenes.messages.length + certificates);
    const fields = new Set(all.flatMap(({ record }) => Object.keys(record)));
    expect([...fields].toSorted()).to.deep.equal(
      ['digest', 'kind', 'network', 'signature', 'subject', 'submitter', 'time', 'v'].toSorted(),
    );
    const windows = new Map<string, string>();
    for (const { record, id } of all) {
      const { digest, signature, subject, submitter } = record;
      for (const [run] of [id, digest, signature, subject, submitter].join(' ').matchAll(/[0-9a-f]{12,}/g)) {
        for (let at = 0; at + 12 <= run.length; at++) {
          const part = run.slice(at, at + 12);
          expect(windows.get(part) ?? id, part).to.equal(id);
          windows.set(part, id);
        }
      }
    }
    // With the secret of the epoch a member finds all of them: that is what links them.
    const subjects = new Set(all.map(({ record }) => record.subject));
    for (const { id, parcel } of scenes.messages)
      expect(subjects).to.include(activitySubject(blindedGroup(secretOf(parcel.head.group as Hash), id)));
  });

  it('cannot be read by who was removed, with all its keys and secrets and what went over the wire', async () => {
    const { dataDir } = consortium.members[carrier]!;
    const own = openingKey((await openKeystore(join(dataDir, 'keystore'), password)).encryptionKey);
    const later = new Set(scenes.afterRemoval.map(({ id }) => id));
    const captured = envelopesTo(tapOfSeller);
    let [earlier, refused] = [0, 0];
    for (const { sealed } of captured) {
      const { mid } = readProtected(sealed.protected);
      if (!later.has(mid)) {
        if (sealed.recipients.length === 1) continue;
        expect(unseal(sealed, [own]).bytes.length).to.be.greaterThan(0);
        earlier++;
        continue;
      }
      refused++;
      await expectCode('activity-message-unreadable', () => unseal(sealed, [own]));
      // As if the key that is wrapped for another one were for it.
      for (const { encrypted_key, header } of sealed.recipients) {
        const claimed = { ...sealed, recipients: [{ encrypted_key, header: { ...header, kid: own.publicKey } }] };
        await expectCode('activity-message-unreadable', () => unseal(claimed, [own]));
      }
    }
    expect([earlier > 0, refused > 0]).to.deep.equal([true, true]);
  });

  it('cannot be found in the log by who was removed', () => {
    const later = new Set(scenes.afterRemoval.map(({ id }) => id));
    expect(later.size).to.be.at.least(3);
    const subjects = new Set(activityRecords().map(({ record }) => record.subject));
    const known = scenes.messages.filter(({ id }) => !later.has(id));
    const secrets = known.flatMap(({ parcel: { head } }) => ('secret' in head ? [head.secret as Hash] : []));
    expect(secrets).to.have.length(2);
    const find = (id: Hash): boolean =>
      secrets.some((secret) => subjects.has(activitySubject(blindedGroup(secret, id))));
    for (const { id } of known) expect(find(id)).to.equal(true);
    // Even where it has learned their ids.
    for (const id of later) expect(find(id)).to.equal(false);
  });

  function secretOf(group: Hash): Hash {
    const opening = scenes.messages.find(({ parcel: { head } }) => head.group === group && 'secret' in head)!;
    return (opening.parcel.head as { secret?: Hash }).secret!;
  }

  async function namesOfMembers() {
    const all = [buyer, seller, carrier].map(async (index) => {
      const { entry, dataDir, address } = consortium.members[index]!;
      const { nodeKey } = await openKeystore(join(dataDir, 'keystore'), password);
      const { peerId, privateKey } = identityOf(nodeKey);
      return [
        { index, what: 'name', secret: entry.name },
        { index, what: 'address', secret: address as string },
        { index, what: 'peer id', secret: peerId.toString() },
        { index, what: 'public key', secret: toHex(privateKey.publicKey.raw) as string },
        { index, what: 'encryption key', secret: entry.encryptionKey as string },
      ];
    });
    return (await Promise.all(all)).flat();
  }
});

/** Envelopes that others have delivered to the process. */
function envelopesTo({ streams }: Tap): Envelope[] {
  const delivered = streams.filter(
    ({ direction, protocol }) => direction === 'in' && protocol.endsWith('/activities/1'),
  );
  return delivered.flatMap(({ parts }) => {
    // The first frame opens the request.
    const items = Buffer.concat(parts.slice(1));
    const envelopes: Envelope[] = [];
    for (let at = 0; at + 4 <= items.length; ) {
      const end = at + 4 + items.readUInt32BE(at);
      const read = readDelivered(items.subarray(at + 4, end));
      if ('sealed' in read) envelopes.push(read);
      at = end;
    }
    return envelopes;
  });
}
