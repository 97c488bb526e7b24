import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type JoinRun, runJoin, tooSlowMs } from '../../scripts/support/joinCommand.ts';
import { fund } from '../../scripts/support/localCentre.ts';
import { type ActingCentre, openToCandidates } from '../../scripts/support/openToCandidates.ts';
import type { CheckedManifest } from '../../services/core/admission/manifest.ts';
import type { Address, RecordId } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { Notarium } from '../../services/index.ts';
import type { ApplicationAnswer } from '../../services/lib/client/admissionAnswers.ts';
import { createKeystore, openKeystore, readKeystore } from '../../services/lib/keystore.ts';
import { json, post, receiptOf } from '../support/centreApi.ts';
import { type CentreProcess, centreKeys, password, startCentre, statusOf } from '../support/centreProcess.ts';
import { deployGovernance } from '../support/chains.ts';
import { type CliPlace, type CliRun, cli } from '../support/cliKit.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { freePorts } from '../support/freePorts.ts';
import { randomSigner, signedRecord } from '../support/recordKit.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const statement = 'We run a data centre in Ghent.\nAsk us anything.';

describe('notarium join with three real centres', () => {
  let consortium: Consortium;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  let centres: (ActingCentre & { member: Member })[];
  let manifest: CheckedManifest;
  let port: number;
  let dataDir: string;
  let candidate: Address;
  let node: CentreProcess | undefined;

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    consortium = await startConsortium({ centres: 3 });
    const { rpcUrl } = consortium.chain;
    await deployGovernance(rpcUrl, consortium.deployed.registry);
    centres = await Promise.all(
      consortium.members.map(async (member) => {
        const apiKey = (await readFile(join(member.dataDir, 'admin-key'), 'utf8')).trim();
        return { member, address: member.address, client: new Notarium({ url: member.url, apiKey, rpcUrl }) };
      }),
    );
    await until('the centres to know of the governor', async () =>
      (await Promise.all(consortium.members.map(({ url }) => fetch(`${url}/v1/rules`)))).every(({ ok }) => ok),
    );
    manifest = await openToCandidates(centres, { authenticators: centres.slice(0, 2), agreement: 'We agree.' });
    [port] = (await freePorts(1)) as [number];
    dataDir = join(folder.path, 'candidate');
    await writeFile(join(folder.path, 'password'), password, { mode: 0o600 });
    await writeFile(join(folder.path, 'manifest.json'), manifest.bytes);
  });
  after(async () => {
    await node?.kill();
    await consortium?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const joining = (options: {
    at?: number;
    dataDir?: string;
    manifest?: string;
    args?: string[];
    pauseMs?: number;
  }): Promise<JoinRun> => {
    const { at = 0, manifest: file = 'manifest.json', args = [], pauseMs } = options;
    return runJoin({
      dataDir: options.dataDir ?? dataDir,
      passwordFile: join(folder.path, 'password'),
      rpcUrl: consortium.chain.rpcUrl,
      contract: consortium.deployed.contract,
      args: [
        ...['--authenticator', centres[at]!.member.url, '--manifest', join(folder.path, file)],
        ...['--name', 'Centre 4', '--endpoint', `http://127.0.0.1:${port}`, '--statement', statement, ...args],
      ],
      ...(pauseMs === undefined ? {} : { pauseMs }),
    });
  };
  const status = async (): Promise<{ text: JoinRun; json: Record<string, unknown> }> => {
    const text = await joining({ args: ['--status'] });
    return { text, json: JSON.parse((await joining({ args: ['--status', '--json'] })).stdout) };
  };
  const admission = (at: number, ...args: string[]): Promise<CliRun> => {
    const { url, dataDir: data } = centres[at]!.member;
    const needsKey = args[0] === 'manifest' || args[0] === 'outcomes';
    return cli(place, 'admission', ...args, '--url', url, ...(needsKey ? ['--data', data] : []));
  };

  /** Waits until a centre has the report and knows that the vote is open. */
  const votedOn = (
    at: number,
    address: Address,
  ): Promise<ApplicationAnswer & { proposal: NonNullable<ApplicationAnswer['proposal']> }> =>
    until('the report and an authenticator to open the vote', async () => {
      const answer = await centres[at]!.client.admissions.application(address);
      const { report, proposal } = answer;
      return report !== undefined && proposal?.state === 'active' && { ...answer, proposal };
    });

  it('makes the keys, and says which account needs gas before it asks anybody', async () => {
    const run = await joining({});
    expect(run.code, run.stdout + run.stderr).to.equal(63);
    candidate = (await readKeystore(join(dataDir, 'keystore'))).address;
    expect(run.stdout).to.contain(`key          ${candidate}, made in`);
    expect(run.stderr).to.contain('error chain-funds-missing').and.contain(candidate).and.contain('400000 gas');
    expect((await status()).json).to.deep.include({ candidate, state: 'none', status: 'none' });
    await fund(consortium.chain.rpcUrl, candidate);
    // The same secrets, which from now on every command opens, sealed with less work than the second that those of an operator cost.
    const keystore = join(dataDir, 'keystore');
    const secrets = await openKeystore(keystore, password);
    await rm(keystore, { recursive: true });
    expect(await createKeystore(keystore, password, { secrets, scryptN: 2 })).to.include({ address: candidate });
  });

  it('gets the manifest from an operator, who has it from any centre', async () => {
    const out = join(folder.path, 'given.json');
    const given = await admission(2, 'manifest', '--out', out);
    expect(given.code, given.stderr).to.equal(0);
    expect(await readFile(out)).to.deep.equal(Buffer.from(manifest.bytes));
    expect(given.stderr).to.contain(manifest.hash);
    await writeFile(join(folder.path, 'agreement.txt'), 'We agree.');
    const made = await admission(1, 'manifest', '--make', '--agreement', 'agreement.txt', '--json');
    expect(made.json()).to.include({ ok: true, hash: manifest.hash });
    expect((await admission(1, 'manifest', '--agreement', 'agreement.txt')).code).to.equal(2);
  });

  it('compares the manifest with the chain before it asks anybody', async () => {
    const other = { ...manifest.manifest, agreement: 'We agree on something else.' };
    await writeFile(join(folder.path, 'other.json'), JSON.stringify(other));
    const run = await joining({ manifest: 'other.json' });
    expect(run.code, run.stderr).to.equal(80);
    expect(run.stderr).to.contain('error manifest-invalid').and.contain(manifest.hash);
    expect((await admission(0, 'outcomes', '--json')).json()).to.deep.equal({ ok: true, outcomes: [] });
  });

  it('passes the challenge, applies and publishes; again, it has nothing to do', async () => {
    const run = await joining({});
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    expect(run.stdout).to.match(/^✓ challenge +passed at 0x[0-9a-f]{40}, score \d+$/m);
    expect(run.stdout).to.match(/^✓ applied +transaction 0x[0-9a-f]{64}, \d+ gas$/m);
    expect(run.stdout).to.match(/^✓ published +transaction 0x[0-9a-f]{64}, \d+ gas$/m);
    expect(run.stderr).to.contain('packet 6 of 6').and.contain('disk-read').and.contain('notarium node --data');
    expect((await stat(join(dataDir, 'attestation.json'))).mode & 0o777).to.equal(0o600);
    const again = await joining({ args: ['--json'] });
    expect(again.code, again.stderr).to.equal(0);
    expect(JSON.parse(again.stdout)).to.deep.include({ ok: true, candidate });
    const { json: stands } = await status();
    expect(stands).to.deep.include({ status: 'candidate' });
    // An authenticator proposes it by itself.
    expect(stands.state).to.be.oneOf(['published', 'voting']);
  });

  it('says why a running candidate is no centre yet', async () => {
    const { rpcUrl } = consortium.chain;
    await writeFile(join(dataDir, 'password'), password, { mode: 0o600 });
    node = await startCentre({
      dataDir,
      rpcUrl,
      contract: consortium.deployed.contract,
      port,
      args: ['--threads', '1', '--log-level', 'info'],
    });
    const says =
      /is a candidate (whom nobody has proposed yet; its application is good|on whom the centres vote) until 20.+Z$/;
    await until('it to know why', async () => says.test((await statusOf(node!.url)).problems[0]?.detail ?? ''));
  });

  it('is reviewed and voted on by the command line, and takes its place by itself', async () => {
    // Asked by the library: each look by the command line is a process of a second.
    const { proposal } = (await Promise.all([1, 2].map((at) => votedOn(at, candidate))))[0]!;
    const list = await admission(2, 'list');
    expect(list.stdout).to.match(/Centre 4 +\d+ +.+ left +active +http:/);
    const shown = await admission(1, 'show', candidate);
    expect(shown.stdout).to.contain('We run a data centre in Ghent.').and.contain('Ask us anything.');
    expect(shown.stdout).to.match(/^ {2}check +measured +reported +minimum +unit$/m);
    expect(shown.stdout).to.match(/^ {2}hashing +[\d,]+ +([\d,]+|-) +30,000 +hashes\/s$/m);
    const proposalId = /notarium proposal vote (0x[0-9a-f]{64}) for --reason/.exec(shown.stdout)?.[1] ?? '';
    expect(proposalId).to.equal(proposal.proposalId);
    await until('its node to say so', async () => {
      const { problems } = await statusOf(node!.url);
      return /is a candidate on whom the centres vote until 20.+Z$/.test(problems[0]?.detail ?? '');
    });
    const open = await status();
    expect(open.json).to.include({ state: 'voting' });
    expect(open.text.stdout).to.match(/is being voted on\n/);
    const acting = (at: number, ...args: string[]): Promise<CliRun> =>
      cli(place, 'proposal', ...args, '--url', centres[at]!.member.url, '--data', centres[at]!.member.dataDir);
    for (const at of [0, 1]) {
      const voted = await acting(at, 'vote', proposalId, 'for', '--reason', 'we know them');
      expect(voted.code, voted.stderr).to.equal(0);
    }
    await until('it to be ready', async () => (await statusOf(node!.url)).ready);
    expect((await status()).json).to.include({ state: 'active', status: 'active', activeSince: 2 });
    expect((await joining({})).code).to.equal(87);
  });

  it('publishes a block', async () => {
    const signer = randomSigner();
    const block = await until('a block of its own', async () => {
      const record = await signedRecord(consortium.network, signer, `record ${Math.random()}`);
      expect((await post(node!.url, record)).status).to.equal(201);
      await receiptOf(node!.url, record);
      const { body } = await json(`${centres[0]!.member.url}/v1/blocks?limit=20`);
      return (body.items as { header: { publisher: string } }[]).find(({ header }) => header.publisher === candidate);
    });
    expect(block.header.publisher).to.equal(candidate);
  });

  it('tells one that a vote has refused why, and lets it apply again', async () => {
    const other = join(folder.path, 'other');
    const { address } = await centreKeys(other);
    await fund(consortium.chain.rpcUrl, address);
    const applied = await joining({ dataDir: other, at: 1, args: ['--name', 'Other', '--json'] });
    expect(applied.code, applied.stdout + applied.stderr).to.equal(0);
    const { application } = JSON.parse(applied.stdout) as { application: string };
    const { proposalId } = (await votedOn(0, address)).proposal;
    for (const { client } of centres) {
      await until('the centre to know of it', async () => client.proposals.get(proposalId));
      await client.proposals.vote(proposalId, 'against', { reason: 'who are they?' }).catch((error) => {
        // It is decided before all have voted.
        expect(error).to.include({ code: 'proposal-state' });
      });
    }
    await until('the vote to be over', async () => {
      const { state } = await centres[0]!.client.proposals.get(proposalId);
      return state === 'defeated';
    });
    const refused = await joining({ dataDir: other, args: ['--status'] });
    expect(refused.stdout).to.match(/was refused by vote/);
    expect(refused.stdout).to.match(/^ {4}against +0x[0-9a-f]{40}: who are they\?$/m);
    expect(refused.stdout).to.match(/^ {2}again from +20/m);
    const again = await joining({ dataDir: other, at: 1, args: ['--name', 'Other', '--again', '--json'] });
    expect(again.code, again.stdout + again.stderr).to.equal(0);
    expect(JSON.parse(again.stdout).application).not.to.equal(application);
  });

  it('refuses a machine that is too slow: which check, both figures, and the place', async () => {
    const slow = join(folder.path, 'slow');
    const { address } = await centreKeys(slow);
    await fund(consortium.chain.rpcUrl, address);
    // One that comes too late, after the packet's answer, leaves it too slow all the same; one that is busy besides may be late.
    const run = await joining({ dataDir: slow, pauseMs: tooSlowMs });
    expect(run.code, run.stdout + run.stderr).to.be.oneOf([81, 82]);
    const code = run.code === 81 ? 'candidate-too-slow' : 'answer-late';
    expect(run.stderr).to.contain(`error ${code}`);
    expect(run.stderr).to.match(/^ {2}check +hashing$/m);
    expect(run.stderr).to.match(/^ {2}measured +[\d,.]+ hashes\/s$/m);
    expect(run.stderr).to.match(/^ {2}required +30,000 hashes\/s$/m);
    expect(run.stderr).to.match(/^ {2}location +country unknown, 127\.0\.0\.0\/8/m);
    expect(run.stderr).to.match(/^ {2}again from +20/m);
    const { outcomes } = (await admission(0, 'outcomes', '--candidate', address, '--json')).json<{
      outcomes: { code: string; recordId: RecordId; document: { network: string } }[];
    }>();
    expect(outcomes.map((outcome) => outcome.code)).to.deep.equal([code]);
    expect(outcomes[0]!.document.network).to.equal(networkName(consortium.network));
    const receipt = await centres[1]!.client.waitForReceipt(outcomes[0]!.recordId, { timeoutMs: 60_000 });
    expect(receipt.block.height).to.be.greaterThan(0);
  });

  it('takes no other attempt for a while', async () => {
    const run = await joining({ dataDir: join(folder.path, 'slow') });
    expect(run.code, run.stderr).to.equal(83);
    expect(run.stderr)
      .to.contain('error admission-throttled')
      .and.match(/^ {2}again from +20/m);
  });
});
