import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { deploy } from '../../scripts/deploy.ts';
import { deployParameters } from '../../scripts/support/deployParameters.ts';
import { toHex } from '../../services/core/bytes.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../support/chains.ts';
import { hardhatScript } from '../support/hardhatScript.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = (name: string): string => join(root, 'examples', name);

describe('scripts propose, vote and execute on a network of the configuration', () => {
  let chain: RunningChain;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    chain = await startChain({ kind: 'hardhat' });
    const file = example('development-network.json');
    await deploy({
      chain: chain.rpcUrl,
      privateKey: toHex(devKey(9)),
      parameters: deployParameters(JSON.parse(await readFile(file, 'utf8')), file),
      stateDir: join(folder.path, 'state'),
      outFile: join(folder.path, 'rpc.json'),
    });
  });
  after(async () => {
    await chain?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const run = (script: string, env: Record<string, string>) =>
    hardhatScript(script, {
      HOME: folder.path,
      NOTARIUM_RPC_URL: chain.rpcUrl,
      NOTARIUM_DEPLOYMENT: join(folder.path, 'rpc.json'),
      ...env,
    });
  const propose = (file: string, env = {}) => run('propose', { NOTARIUM_PROPOSAL: file, ...env });
  const vote = (id: string, support: string, env = {}) =>
    run('vote', { NOTARIUM_PROPOSAL_ID: id, NOTARIUM_SUPPORT: support, ...env });

  it('bring a first configuration onto the chain, and one after it', async () => {
    // By the key of a centre, as on a network that is not for development.
    const first = await propose(example('proposals/resource-first.json'), { NOTARIUM_PRIVATE_KEY: toHex(devKey(2)) });
    expect(first.value('proposer'), first.stderr).to.equal(devAddress(2));
    const id = first.value('proposal');
    expect(first.value('next')).to.equal(
      `NOTARIUM_PROPOSAL_ID=${id} NOTARIUM_SUPPORT=for npx hardhat run scripts/vote.ts --network rpc`,
    );

    const voted = await vote(BigInt(id).toString(), 'for', { NOTARIUM_ACCOUNT: '0,1,2' });
    expect(voted.value('state'), voted.stderr).to.equal('succeeded');
    expect(voted.value('votes')).to.match(/^for 3, against 0, abstain 0; 4 in all/);
    expect(voted.stdout).to.contain('"path":"/cells"');

    const executed = await run('execute', { NOTARIUM_PROPOSAL_ID: id });
    expect(executed.value('state'), executed.stderr).to.equal('executed');
    expect(executed.value('version')).to.match(/^1, configuration 0x/);
    expect((await run('execute', { NOTARIUM_PROPOSAL_ID: id })).code).to.equal(72);

    // Made for the version that is there now, and for the one before.
    const second = await propose(example('proposals/resource-capacity.json'));
    expect(second.value('state'), second.stderr).to.match(/^active, votes until /);
    const outdated = await propose(example('proposals/resource-first.json'));
    expect(outdated.code, outdated.stderr).to.equal(71);

    // What cannot be read is not voted for; against it, anybody may be.
    const content = join(folder.path, 'rpc', 'contents', `sha-256-${second.value('content').slice(2)}.json`);
    const text = await readFile(content, 'utf8');
    await writeFile(content, text.replace('150', '151'));
    const unread = await vote(second.value('proposal'), 'for');
    expect(unread.code, unread.stdout).to.equal(76);
    const against = await vote(second.value('proposal'), 'against', { NOTARIUM_REASON: 'too\u001b[2J much' });
    expect(against.value('votes'), against.stderr).to.match(/^for 0, against 1, abstain 0/);
  });

  it('say what is missing', async () => {
    const nowhere = await propose(example('proposals/general.json'), {
      NOTARIUM_DEPLOYMENT: join(folder.path, 'none.json'),
    });
    expect(nowhere.code).to.equal(2);
    expect(nowhere.stderr).to.match(/^✘ config-invalid: .*none\.json \(ENOENT\)/);
    const stranger = await propose(example('proposals/general.json'), { NOTARIUM_ACCOUNT: '7' });
    expect(stranger.code, stranger.stdout).to.equal(74);
    expect((await vote('what', 'for')).code).to.equal(2);
  });
});
