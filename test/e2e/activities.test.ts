import { execFile } from 'node:child_process';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../../scripts/support/ensureBuilt.ts';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import { makeDisclosure } from '../../services/core/activities/disclosure.ts';
import { verifyDisclosure } from '../../services/core/activities/verifyDisclosure.ts';
import type { Hash } from '../../services/core/bytes.ts';
import type { Receipt } from '../../services/core/receipt.ts';
import { parseEntry } from '../../services/core/record.ts';
import { Notarium, verifyDigest } from '../../services/index.ts';
import { renewEncryptionKey } from '../../services/lib/keystore.ts';
import { password, statusOf } from '../support/centreProcess.ts';
import { cli } from '../support/cliKit.ts';
import { type Consortium, startConsortium } from '../support/consortium.ts';
import { until } from '../support/until.ts';

const secret = 'Saint-Emilion grand cru, 1200 bottles';

describe('private activities between centres', () => {
  let consortium: Consortium;
  let clients: Notarium[];
  let activity: Hash;
  let first: Hash;
  let countersignature: Hash;
  /** Receipt of what was said by a centre that spreads its records as one does that nobody has told otherwise. */
  let spread: Promise<PromiseSettledResult<Receipt>[]>;
  const [buyer, seller, carrier, neighbour] = [0, 1, 2, 3] as const;
  const desk = (index: number) => clients[index]!.activities;

  before(async () => {
    consortium = await startConsortium({ centres: 4, args: ['--no-rate-limit'] });
    clients = await Promise.all(
      consortium.members.map(async ({ url, dataDir }) => {
        const apiKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
        return new Notarium({ url, apiKey, rpcUrl: consortium.chain.rpcUrl });
      }),
    );
    await until('everybody connected with everybody', async () => {
      const all = await Promise.all(consortium.members.map(({ url }) => statusOf(url)));
      return all.every(({ peers }) => peers.every(({ connected }) => connected));
    });
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  /** A message, once a member has it. */
  const came = (member: number, message: Hash) =>
    until(`centre ${member} has it`, () => desk(member).message(activity, message));

  it('bring a purchase to the parties, and to nobody else', async () => {
    const began = await desk(buyer).start({
      ...{ kind: 'industrial', request: 'both', receivers: ['Centre 2', 'Centre 3'] },
      body: { order: secret, price: 41_000 },
    });
    activity = began.activity;
    first = began.message;
    for (const index of [seller, carrier]) {
      const { parcel } = await came(index, first);
      expect(parcel.body).to.deep.include({ body: { order: secret, price: 41_000 } });
    }
    await until('it is read by both', async () => {
      const states = (await desk(buyer).deliveries(activity, first)).map(({ state }) => state);
      return states.length === 2 && states.every((state) => state === 'read');
    });
    expect(await Array.fromAsync(desk(neighbour).list())).to.deep.equal([]);
    const stranger = new Notarium({ url: consortium.members[seller]!.url, rpcUrl: consortium.chain.rpcUrl });
    const refused = await stranger.activities.get(activity).catch((error: { code?: string }) => error.code);
    expect(refused).to.equal('unauthorized');
  });

  it('leave in the log what names nobody and links nothing', async () => {
    const second = await desk(seller).update(activity, { body: { order: secret, price: 40_000 } });
    const subjects: string[] = [];
    const trusted = { network: consortium.network, rpcUrl: consortium.chain.rpcUrl };
    for (const message of [first, second.message]) {
      const index = message === first ? buyer : seller;
      const receipt = await desk(index).receipt(activity, message, { waitSeconds: 60 });
      const { parcel, seal } = await desk(index).message(activity, message);
      // To the neighbour, who has no part in it, the body is shown and nothing else.
      const disclosure = makeDisclosure({ ...parcel, id: message }, seal, { body: true });
      const { ok } = await verifyDisclosure(disclosure, receipt, {
        verifyRecord: async (digest, given) => await verifyDigest(digest, given, trusted),
      });
      expect(ok).to.equal(true);
      const entry = Buffer.from(receipt.entry, 'base64').toString();
      for (const { address, entry: node } of consortium.members) {
        expect(entry).to.not.contain(address.slice(2));
        expect(entry).to.not.contain(node.name);
      }
      for (const word of [activity.slice(2), message.slice(2), 'bottles', 'price'])
        expect(entry, word).to.not.contain(word);
      const { record } = parseEntry(new Uint8Array(Buffer.from(receipt.entry, 'base64')));
      expect(record.kind).to.equal('activity');
      subjects.push(record.subject, record.submitter);
    }
    expect(new Set(subjects).size).to.equal(4);
  });

  it('certify what all have countersigned, also those that were away', async () => {
    await consortium.members[carrier]!.kill();
    const { message: version } = await desk(buyer).update(activity, { body: { order: secret, price: 40_500 } });
    await came(seller, version);
    await desk(seller).countersign(activity, version);
    await consortium.members[carrier]!.start({ env: { NOTARIUM_RECORD_SPREAD: undefined } });
    await came(carrier, version);
    const { message: signed } = await desk(carrier).countersign(activity, version);
    countersignature = signed;
    // What comes next in this file need not wait for it.
    spread = Promise.allSettled([desk(carrier).receipt(activity, signed, { waitSeconds: 60 })]);
    const certificate = await until('the certificate', () =>
      desk(seller)
        .certificate(activity, version)
        .catch(() => undefined),
    );
    expect(certificate.signatures.map(({ member }) => member)).to.have.members(
      [buyer, seller, carrier].map((index) => consortium.members[index]!.address),
    );
  });

  it('are verified by their members at the command line, whole, against the chain and without it', async () => {
    const { url, dataDir } = consortium.members[seller]!;
    const place = { cwd: dataDir, home: join(dataDir, 'home of a person') };
    const asked = ['--url', url, '--data', dataDir];
    const { message } = await desk(seller).note(activity, { on: first, body: { looks: 'fine' } });
    for (const [id, said] of [
      [first, '"price": 41000'],
      [message, '"looks": "fine"'],
    ] as const) {
      for (const by of [['--rpc', consortium.chain.rpcUrl], ['--offline']]) {
        const run = await cli(place, 'activity', 'verify', activity, id, '--wait', '60', ...asked, ...by);
        expect(run.code, run.stdout + run.stderr).to.equal(0);
        expect(run.stdout)
          .to.match(/^VALID$/m)
          .and.to.contain(said)
          .and.to.contain(`message ${id}`)
          .and.to.contain(`  activity ${activity}\n`);
      }
    }
    const written = await cli(
      place,
      'activity',
      'disclose',
      activity,
      '--whole',
      '--no-receipt',
      '--message',
      first,
      ...asked,
    );
    expect(written.code, written.stderr).to.equal(0);
    const file = `${first.slice(0, 10)}.disclosure.json`;
    expect((await cli(place, 'verify', file, '--offline')).code).to.equal(exitCodeOf('file-unreadable'));
    const brought = await cli(place, 'activity', 'receipt', activity, first, '--wait', ...asked);
    expect(brought.code, brought.stderr).to.equal(0);
    const verified = await cli(place, 'verify', file, '--offline');
    expect(verified.code, verified.stdout + verified.stderr).to.equal(0);
  });

  it('are begun, shown and verified by a program, as the README has it', async () => {
    const { url, dataDir } = consortium.members[buyer]!;
    const env = {
      ...process.env,
      ...{ NOTARIUM_URL: url, NOTARIUM_RPC_URL: consortium.chain.rpcUrl },
      NOTARIUM_API_KEY: (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim(),
    };
    const example = join(root, 'examples/activity.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [example, 'Centre 3'], { env });
    expect(stdout).to.match(/^activity 0x[0-9a-f]{64} has come to its members\nnotarised: /);
    expect(stdout).to.contain('notarised: {"price":{"amount":12}}\n');
  });

  it('keep what comes later from who was removed', async () => {
    await desk(buyer).changeMembers(activity, { remove: ['Centre 3'] });
    const { message } = await desk(buyer).update(activity, { body: { order: secret, price: 39_000 } });
    await came(seller, message);
    const { members } = await desk(seller).get(activity);
    expect(members.map(({ address }) => address)).to.not.include(consortium.members[carrier]!.address);
    const refused = await desk(carrier)
      .message(activity, message)
      .catch((error: { code?: string }) => error.code);
    expect(refused).to.equal('not-found');
  });

  it('admit a regulator by proposal and vote, who reads and notes and no more, and let one leave', async () => {
    const proposed = await desk(seller).propose(activity, { add: { party: 'Centre 4', role: 'regulator' } });
    const codeOf = (sent: Promise<unknown>) =>
      sent.then(
        () => 'sent',
        (error: { code?: string }) => error.code,
      );
    await until('the buyer has the proposal', async () =>
      (await desk(buyer).get(activity)).proposals.some(({ id }) => id === proposed.message),
    );
    expect(await codeOf(desk(seller).changeMembers(activity, { proposal: proposed.message }))).to.equal(
      'activity-role',
    );
    await desk(buyer).vote(activity, proposed.message, true);
    const { parcel } = await came(neighbour, first);
    expect(parcel.body).to.deep.include({ body: { order: secret, price: 41_000 } });
    await until('it is in', async () => (await desk(neighbour).get(activity)).role === 'regulator');
    expect(await codeOf(desk(neighbour).update(activity, { body: 1 }))).to.equal('activity-role');
    expect(await codeOf(desk(neighbour).vote(activity, proposed.message, true))).to.be.oneOf([
      'activity-role',
      'activity-epoch-stale',
    ]);
    const noted = await desk(neighbour).note(activity, { on: first, body: 'seen' });
    await came(seller, noted.message);
    // Of who has what it said in its epoch: another one may not have come there yet.
    const { epoch } = await desk(seller).get(activity);
    await desk(neighbour).leave(activity);
    const left = await until('another one has opened an epoch without it', async () => {
      const now = await desk(seller).get(activity);
      return now.epoch > epoch ? now : undefined;
    });
    expect(left.members.map(({ name }) => name)).to.have.members(['Centre 1', 'Centre 2']);
    expect((await desk(neighbour).get(activity)).role).to.equal(undefined);
    expect(await codeOf(desk(neighbour).note(activity, { on: first, body: 'still here?' }))).to.equal(
      'activity-not-member',
    );
  });

  it('are read with the keys from before, in the keystore or elsewhere', async () => {
    const centre = consortium.members[seller]!;
    const arrives = async (body: string, isThere = true) => {
      const { message } = await desk(buyer).update(activity, { body });
      const delivery = await until('it is tried', async () => {
        const found = (await desk(buyer).deliveries(activity, message)).find(({ member }) => member === centre.address);
        const isRefused = found?.problem?.code === 'activity-message-unreadable';
        return found?.state === 'read' || isRefused ? found : undefined;
      });
      expect(delivery.state, body).to.equal(isThere ? 'read' : 'queued');
      return message;
    };
    await centre.kill();
    const { kept, encryptionPublicKey } = await renewEncryptionKey(join(centre.dataDir, 'keystore'), password, {
      scryptN: 2,
    });
    expect(encryptionPublicKey).to.not.equal(centre.entry.encryptionKey);
    await centre.start();
    // The registry has the old one still.
    await arrives('with the key that is kept in the keystore');
    const elsewhere = join(centre.dataDir, 'old-key.json');
    await centre.kill();
    await rename(kept, elsewhere);
    await centre.start();
    const waiting = await arrives('without it', false);
    await centre.kill();
    await centre.start({ args: [...(centre.spec.args ?? []), '--old-encryption-key', elsewhere] });
    await came(seller, waiting);
  });

  it('are in the log within the time by which a centre spreads its records', async () => {
    const [found] = await spread;
    if (found?.status !== 'fulfilled') throw found?.reason;
    const { sealDigest } = await desk(carrier).message(activity, countersignature);
    const { record } = parseEntry(new Uint8Array(Buffer.from(found.value.entry, 'base64')));
    expect(record.digest).to.equal(`sha-256:${sealDigest.slice(2)}`);
    expect(record.time).to.match(/:00\.000Z$/);
  });
});
