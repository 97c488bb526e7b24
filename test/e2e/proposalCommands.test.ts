import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { networkName } from '../../services/core/eip712.ts';
import type { ProposalDetail } from '../../services/lib/client/governanceAnswers.ts';
import { networkFilePath } from '../../services/lib/client/NetworkFolder.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { deployGovernance } from '../support/chains.ts';
import { type CliPlace, type CliRun, cli } from '../support/cliKit.ts';
import { type Consortium, type Member, startConsortium } from '../support/consortium.ts';
import { hardhatScript } from '../support/hardhatScript.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/proposals/${name}`, import.meta.url));

type Shown = { proposal: ProposalDetail; verification: { status: string; basis: string; confirmedBy?: string[] } };

describe('notarium proposal with two real centres', () => {
  let consortium: Consortium;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  let one: Member;
  let two: Member;
  let id: string;
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    consortium = await startConsortium({ centres: 2 });
    [one, two] = consortium.members as [Member, Member];
    const { rpcUrl } = consortium.chain;
    await deployGovernance(rpcUrl, consortium.deployed.registry);
    await until('the centres to know of the governor', async () =>
      (await Promise.all([one, two].map(({ url }) => fetch(`${url}/v1/rules`)))).every(({ ok }) => ok),
    );
  });
  after(async () => {
    await consortium?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const read = (at: { url: string }, ...args: string[]): Promise<CliRun> =>
    cli(place, 'proposal', ...args, '--url', at.url);
  const act = ({ url, dataDir }: Member, ...args: string[]): Promise<CliRun> =>
    cli(place, 'proposal', ...args, '--url', url, '--data', dataDir);
  const resource = (at: Member, name: string, ...args: string[]): Promise<CliRun> => {
    const data = name === 'check' ? ['--data', at.dataDir] : [];
    return cli(place, 'resource', name, ...args, '--url', at.url, ...data);
  };
  const pass = async (...args: string[]): Promise<string> => {
    const { code, stdout, json } = await act(one, 'create', ...args, '--json');
    expect(code, stdout).to.equal(0);
    const { proposalId } = json<{ proposalId: string }>();
    for (const member of [one, two]) {
      const voted = await act(member, 'vote', proposalId, 'for');
      expect(voted.code, voted.stderr).to.equal(0);
    }
    return proposalId;
  };
  const shown = async (at: { url: string }, ...args: string[]): Promise<Shown> =>
    (await read(at, 'show', id, '--json', ...args)).json<Shown>();

  it('create, list and show what waits for votes', async () => {
    const created = await act(one, 'create', example('general.json'), '--json');
    expect(created.code, created.stdout).to.equal(0);
    id = created.json<{ proposalId: string }>().proposalId;
    await until('the other centre to know it', async () => (await read(two, 'show', id)).code === 0);
    const again = await act(one, 'create', example('general.json'));
    expect(again.stdout).to.contain(`proposed ${id}`);

    const list = await until('its title', async () => {
      const run = await read(two, 'list', '--state', 'active', '--kind', 'general');
      return run.stdout.includes('Maintenance') && run;
    });
    expect(list.stdout.split('\n')[1]).to.match(
      new RegExp(`^${id}  general  active, .+ left +0 +0 +0 +2  Centre 1 +Maintenance window on Sunday$`),
    );
    expect((await read(two, 'list', '--kind', 'removal')).stdout).to.equal('');

    const text = (await read(two, 'show', BigInt(id).toString(), '--rpc', consortium.chain.rpcUrl)).stdout;
    expect(text).to.match(/^ {2}title +Maintenance window on Sunday$/m);
    expect(text).to.match(/^ {2}state +active, .+ left \(until 20.+Z\)$/m);
    expect(text).to.match(/^ {2}votes +for 0, against 0, abstain 0, not cast 2$/m);
    expect(text).to.match(/^– undecided: content and proposer are right by the chain$/m);
  });

  it('vote by transaction and by signature, and show a result that this machine has checked', async () => {
    const signed = await act(two, 'vote', id, 'for', '--by-signature', '--reason', 'quiet \u001b[2J hours');
    expect(signed.stdout, signed.stderr).to.contain('Centre 2 votes for (signed, to be handed in with others)');
    const voted = await act(one, 'vote', id, 'for');
    expect(voted.stdout, voted.stderr).to.match(/Centre 1 votes for \(transaction 0x[0-9a-f]{64}\)/);
    const confirmed = (at: Member, ...args: string[]): Promise<Shown> =>
      until('a confirmed result', async () => {
        const seen = await shown(at, ...args);
        return seen.verification.status === 'confirmed' && seen;
      });
    const byNetwork = await confirmed(two);
    expect(byNetwork.verification).to.deep.include({ basis: 'the trusted network' });
    expect(byNetwork.verification.confirmedBy).to.have.members([one.address, two.address]);
    const { verification, proposal } = await confirmed(one, '--rpc', consortium.chain.rpcUrl);
    expect(verification).to.deep.include({ status: 'confirmed', basis: 'the chain' });
    expect(proposal.state).to.equal('succeeded');
    const { stdout } = await read(one, 'show', id);
    expect(stdout).to.match(/^ {2}Centre 2 +1 {2}for +20.+Z {2}quiet \\u\{1b\}\[2J hours$/m);
    expect(stdout).to.match(/^✓ CONFIRMED by Centre 1, Centre 2 \(2 of 2; by the trusted network\)$/m);
  });

  it('end with the code of what went wrong', async () => {
    const unknown = `0x${'12'.repeat(32)}`;
    const codes: [Promise<CliRun>, number][] = [
      [read(one, 'show', unknown), 73],
      [act(one, 'vote', unknown, 'for'), 73],
      [act(one, 'vote', id, 'against'), 72],
      [act(one, 'cancel', id), 72],
      [act(one, 'vote', id, 'perhaps'), 2],
      [cli(place, 'proposal', 'vote', id, 'for', '--url', one.url, '--data', folder.path), 42],
      [act(one, 'create', example('resource-capacity.json')), 70],
    ];
    for (const [run, code] of codes) {
      const { code: have, stderr } = await run;
      expect(have, stderr).to.equal(code);
    }
  });

  it('show what a centre has changed for what it is', async () => {
    const liar = createServer(async (request, response) => {
      const answer = await fetch(`${two.url}${request.url}`);
      const text = (await answer.text()).replaceAll('"decision":"passed"', '"decision":"defeated"');
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
      const run = await read({ url }, 'show', id);
      expect(run.code, run.stdout).to.equal(33);
      expect(run.stdout).to.match(/^✗ NOT CONFIRMED: /m);
    } finally {
      liar.close();
    }
  });

  it('checks nothing by a network file without the governor, until that is trusted too', async () => {
    const networks = join(folder.path, 'other networks');
    const pinned = networkFilePath(join(folder.path, '.notarium', 'networks'), networkName(consortium.network));
    const { governor, ...rest } = JSON.parse(await readFile(pinned, 'utf8')) as Record<string, unknown>;
    expect(governor).to.match(/^0x[0-9a-f]{40}$/);
    await mkdir(networks);
    const file = join(networks, basename(pinned));
    await writeFile(file, JSON.stringify(rest));
    const unchecked = await read(two, 'show', id, '--networks', networks);
    expect(unchecked.code, unchecked.stderr).to.equal(0);
    expect(unchecked.stdout).to.match(/^– not checked: .+ not its governor$/m);
    const trusting = await cli(
      place,
      'status',
      '--one',
      '--trust-new-epochs',
      '--networks',
      networks,
      '--url',
      two.url,
    );
    expect(trusting.code, trusting.stderr).to.equal(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal({ ...rest, governor });
    expect((await read(two, 'show', id, '--networks', networks)).stdout).to.match(/^✓ CONFIRMED by /m);
    await writeFile(file, JSON.stringify({ ...rest, governor: `0x${'12'.repeat(20)}` }));
    expect((await read(two, 'show', id, '--networks', networks)).code).to.equal(24);
  });

  it('watch prints a line for each event, and goes on where it is told', async () => {
    const stop = new AbortController();
    let printed = 0;
    const watched = {
      ...place,
      signal: stop.signal,
      onStdout: (text: string) => {
        printed += text.split('\n').length - 1;
      },
    };
    const all = cli(watched, 'proposal', 'watch', '--after', '0', '--json', '--url', two.url);
    const latest = cli(watched, 'proposal', 'watch', '--url', two.url);
    await until('the events so far', () => printed === 4);
    await until('both streams', async () =>
      /^notarium_http_event_clients 2$/m.test(await (await fetch(`${two.url}/metrics`)).text()),
    );
    const text = JSON.parse(await readFile(example('general.json'), 'utf8')) as { title: string };
    await fetch(`${one.url}/v1/proposals`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${(await readFile(`${one.dataDir}/admin-key`, 'utf8')).trim()}`,
      },
      body: JSON.stringify({ ...text, title: 'Another window' }),
    });
    await until('a line of each', () => printed === 6);
    stop.abort();
    const lines = (await all).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map(({ type }) => type)).to.deep.equal([
      'proposal.created',
      'vote.cast',
      'vote.cast',
      'proposal.decided',
      'proposal.created',
    ]);
    expect((await latest).stdout).to.match(
      /^ +\d+ {2}20.+Z {2}proposal\.created +0x[0-9a-f]{64} {2}Centre 1, general\n$/,
    );
  });

  it('shows how a resource set stands, and what is really there', async () => {
    expect((await resource(one, 'list')).stdout).to.equal('');
    const proposalId = await pass(example('resource-first.json'));
    await until('it to be in force', async () =>
      /^radio-north +1 +1 +1 applied +20.+: right$/m.test((await resource(two, 'list')).stdout),
    );
    expect((await act(two, 'execute', proposalId)).stdout).to.match(/^✓ executed \(transaction 0x[0-9a-f]{64}\)$/m);
    const set = (await resource(two, 'show', 'radio-north')).stdout;
    expect(set).to.match(/^ {2}here +1 applied$/m);
    expect(set).to.match(/^ +1 {2}verified +2 +0 +none {2}20.+Z {2}sha-256:[0-9a-f]{64}$/m);
    const verified = /^ {2}state +verified: 2 reports of right, 0 of something else$/m;
    // Each centre reads the chain by itself.
    const version = await until('the other centre to know', async () => {
      const { stdout } = await resource(one, 'show', 'radio-north', '1');
      return verified.test(stdout) && stdout;
    });
    expect(version).to.match(/^ {2}Centre 2 {2}right {2}20.+Z {2}sha-256:[0-9a-f]{64} {2}0x[0-9a-f]{64}$/m);

    const file = join(two.dataDir, 'resources', 'radio-north.json');
    const real = JSON.parse(await readFile(file, 'utf8')) as { emergency: boolean };
    await writeFile(file, JSON.stringify({ ...real, emergency: true }));
    const drifted = await resource(two, 'check', 'radio-north');
    expect(drifted.code, drifted.stdout).to.equal(78);
    expect(drifted.stdout).to.contain('1 field differs\n').and.contain('    /emergency\n');
    const repaired = await resource(two, 'check', 'radio-north', '--repair', '--json');
    expect(repaired.code, repaired.stdout).to.equal(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal(real);

    expect((await resource(two, 'show', 'nothing')).code).to.equal(73);
    expect((await resource(two, 'show', 'radio-north', 'x')).code).to.equal(2);
    expect((await act(two, 'create', example('resource-first.json'))).code).to.equal(71);
    await pass(example('resource-first.json'), '--rebase');
    await until('the second version', async () => (await resource(one, 'show', 'radio-north', '2')).code === 0);
  });

  it('gives centres the content of what a script has proposed', async () => {
    const { rpcUrl } = consortium.chain;
    const { chainId, contract: blockAnchor, fromBlock: deployBlock } = consortium.deployed;
    const genesis = (await jsonRpc(rpcUrl)('eth_getBlockByNumber', ['0x0', false])) as { hash: string };
    const deployment = join(folder.path, 'rpc.json');
    await writeFile(deployment, JSON.stringify({ chainId, genesisHash: genesis.hash, blockAnchor, deployBlock }));
    const proposed = await hardhatScript('propose', {
      NOTARIUM_RPC_URL: rpcUrl,
      NOTARIUM_DEPLOYMENT: deployment,
      NOTARIUM_PROPOSAL: example('general.json'),
      NOTARIUM_KEYSTORE: join(two.dataDir, 'keystore'),
      NOTARIUM_PASSWORD_FILE: join(two.dataDir, 'password'),
    });
    expect(proposed.value('proposer'), proposed.stderr).to.equal(two.address);
    const scripted = proposed.value('proposal');
    await until('the centre to know it', async () => (await read(one, 'show', scripted)).code === 0);
    const unread = await act(one, 'vote', scripted, 'for');
    expect(unread.code, unread.stdout).to.equal(76);
    const given = await act(one, 'create', proposed.value('signed'));
    expect(given.stdout, given.stderr).to.contain(`proposed ${scripted}`);
    // The other one has it from there.
    expect((await act(two, 'vote', scripted, 'for')).code).to.equal(0);
  });
});
