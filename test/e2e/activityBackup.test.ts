import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { launcher } from '../../scripts/support/launcher.ts';
import { exitCodeOf } from '../../services/cli/exitCodes.ts';
import type { Hash } from '../../services/core/bytes.ts';
import { Notarium } from '../../services/index.ts';
import { failingCentre } from '../support/centreProcess.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { until } from '../support/until.ts';

const order = { kind: 'industrial', request: 'trust', receivers: ['Centre 2'] } as const;

describe('what a centre keeps of private activities', () => {
  let consortium: Consortium;
  let buyer: Member;
  let seller: Member;
  let activity: Hash;
  let version: Hash;
  const file = randomBytes(200_000);

  before(async () => {
    consortium = await startConsortium({ centres: 2 });
    [buyer, seller] = consortium.members as [Member, Member];
    const attachment = await (await at(buyer)).putAttachment({ name: 'plan', content: only(file) });
    const sent = await (await at(buyer)).start({ ...order, body: { price: 4711 }, attachments: [attachment] });
    activity = sent.activity;
    version = sent.message;
    await has(seller, version);
    await (await at(seller)).countersign(activity, version);
    for (const member of [buyer, seller])
      await until('a certificate', async () =>
        (await at(member)).certificate(activity, version).catch(() => undefined),
      );
  });
  after(() => consortium?.[Symbol.asyncDispose]());

  const at = async ({ url, dataDir }: Member) => {
    const apiKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
    return new Notarium({ url, apiKey, rpcUrl: consortium.chain.rpcUrl }).activities;
  };
  const has = (member: Member, message: Hash) =>
    until('it has come', async () => (await at(member)).message(activity, message).catch(() => undefined));
  const folderOf = ({ dataDir, address }: Member): string => join(dataDir, 'activities', address);
  const run = (cwd: string, ...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const argv = ['--disable-warning=ExperimentalWarning', launcher, ...args];
      execFile(process.execPath, argv, { cwd, env: { ...process.env, HOME: cwd } }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });

  it('gives a certificate with its receipt, which a stranger verifies', async () => {
    const { dataDir, url } = seller;
    const cwd = join(dataDir, '..');
    const args = ['certificate', activity.slice(0, 12), '--out', 'trust.json', '--url', url, '--data', dataDir];
    const saved = await run(cwd, 'activity', ...args, '--wait');
    expect(saved.code, saved.output).to.equal(0);
    const again = await run(cwd, 'activity', ...args, '--json');
    expect(again.code, again.output).to.equal(0);
    const { rpcUrl } = consortium.chain;
    const { contract } = consortium.network;
    const stranger = await run(cwd, 'verify', 'trust.json', '--rpc', rpcUrl, '--contract', contract);
    expect(stranger.code, stranger.output).to.equal(0);
    expect(stranger.output).to.contain('2 of the 2 to whom message').and.to.contain(seller.address);
    const receipt = join(cwd, 'trust.json.receipt.json');
    const text = await readFile(join(cwd, 'trust.json'), 'utf8');
    await writeFile(
      join(cwd, 'other.json'),
      text.replace(version.slice(2, 6), version.slice(2, 6) === 'abcd' ? 'dcba' : 'abcd'),
    );
    const forged = await run(cwd, 'verify', 'other.json', receipt, '--rpc', rpcUrl, '--contract', contract);
    expect(forged.code, forged.output).to.equal(exitCodeOf('trust-certificate-invalid'));
  });

  it('discloses at once what the log has, and says what it has not yet', async () => {
    const { dataDir, url } = buyer;
    const cwd = join(dataDir, '..');
    const place = ['--url', url, '--data', dataDir];
    const sent = await (await at(buyer)).update(activity, { body: { price: 4712 } });
    const disclose = ['activity', 'disclose', activity, '--message', sent.message, '--whole', '--out', 'price.json'];
    const [early, later] = [
      await run(cwd, ...disclose, ...place),
      await run(cwd, ...disclose, ...place, '--wait', '60'),
    ];
    // The block may have come in between: then it has one at once.
    if (early.code !== 0) {
      expect(early.code, early.output).to.equal(exitCodeOf('record-not-anchored'));
      expect(early.output).to.contain('--wait');
      expect(later.code, later.output).to.equal(0);
    }
    const shown = JSON.parse(await readFile(join(cwd, 'price.json'), 'utf8')) as { receipt?: object };
    expect(shown.receipt).to.be.an('object');
  });

  it('comes back from a backup, files and all, and goes on', async () => {
    const { dataDir, spec } = buyer;
    const backup = join(dataDir, '..', 'backup.tar.gz');
    const store = ['--rpc', spec.rpcUrl, '--contract', spec.contract];
    const exported = await run(dataDir, 'export', backup, '--data', dataDir, ...store);
    expect(exported.code, exported.output).to.equal(0);
    await buyer.stop();
    await rename(dataDir, `${dataDir} lost`);
    const imported = await run(join(dataDir, '..'), 'import', backup, '--data', dataDir, ...store);
    expect(imported.code, imported.output).to.equal(0);
    await cp(join(`${dataDir} lost`, 'password'), join(dataDir, 'password'));
    await rm(`${dataDir} lost`, { recursive: true });
    await buyer.start();
    const activities = await at(buyer);
    const { content } = await activities.attachment(activity, { message: version, index: 0 });
    expect(Buffer.concat(await Array.fromAsync(content)).equals(file)).to.equal(true);
    expect((await activities.certificate(activity, version)).signatures).to.have.length(2);
    const next = await activities.update(activity, { body: { price: 4713 } });
    await has(seller, next.message);
  });

  it('says what can be done about damage, and comes back from the members', async () => {
    await seller.stop();
    const database = join(folderOf(seller), 'activities.db');
    for (const suffix of ['-wal', '-shm']) await rm(database + suffix, { force: true });
    await writeFile(database, Buffer.alloc(8192, 'no database '));
    const { code, output } = await failingCentre(seller.spec);
    expect(code, output).to.equal(exitCodeOf('activity-store-corrupt'));
    expect(output).to.contain('activities.db').and.to.contain('notarium import').and.not.to.contain('rebuild');
    // As the message says where there is no backup.
    await rename(join(seller.dataDir, 'activities'), join(seller.dataDir, 'activities damaged'));
    await seller.start();
    const said = await (await at(buyer)).update(activity, { body: { price: 4714 } });
    await has(seller, said.message);
    await has(seller, version);
    const [ours, theirs] = [await (await at(buyer)).get(activity), await (await at(seller)).get(activity)];
    expect(theirs.heads).to.deep.equal(ours.heads);
    const { content } = await (await at(seller)).attachment(activity, { message: version, index: 0 });
    expect(Buffer.concat(await Array.fromAsync(content)).equals(file)).to.equal(true);
  });

  it('is kept for the key before when the node gets another one', async () => {
    await buyer.stop();
    const keystore = join(buyer.dataDir, 'keystore');
    await rename(keystore, `${keystore} before`);
    const { centreKeys } = await import('../support/centreProcess.ts');
    const { address } = await centreKeys(buyer.dataDir);
    await buyer.start();
    expect(await Array.fromAsync((await at(buyer)).list())).to.deep.equal([]);
    expect((await readdir(join(buyer.dataDir, 'activities'))).toSorted()).to.deep.equal(
      [address, buyer.address].toSorted(),
    );
    await buyer.stop();
    await rm(keystore, { recursive: true });
    await rename(`${keystore} before`, keystore);
    await buyer.start();
    expect((await (await at(buyer)).get(activity)).versions.length).to.be.at.least(4);
  });
});

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
