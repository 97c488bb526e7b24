import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { JoinOptions } from '../../../../services/cli/CliActions.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { createKeystore, readKeystore } from '../../../../services/lib/keystore.ts';
import { type CliRun, cli } from '../../../support/cliKit.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

const address = `0x${'12'.repeat(20)}`;
const manifest = {
  format: 'notarium-manifest/1',
  network: `eip155:1:${address}`,
  genesisHash: `0x${'34'.repeat(32)}`,
  contracts: { blockAnchor: address, nodeRegistry: address, consortiumGovernor: address, resourceRegistry: address },
  rules: { periodSeconds: 2, graceSeconds: 30, quorum: 'floor(2m/3)+1', publisher: 'committee[slot mod m]' },
  formats: ['a'],
  protocols: ['b'],
};

describe('notarium join', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, 'manifest.json'), canonicalText(manifest));
    await writeFile(join(folder.path, 'password'), 'a password for tests');
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const joining = (action: (options: JoinOptions) => Promise<never>, contract: string): Promise<CliRun> => {
    const place = { cwd: folder.path, actions: { join: (_: unknown, options: JoinOptions) => action(options) } };
    const given = ['--password-file', 'password', '--manifest', 'manifest.json', '--rpc', 'http://127.0.0.1:9'];
    return cli(place, 'join', '--data', join(folder.path, 'data'), '--contract', contract, ...given);
  };
  const config = async (): Promise<string | undefined> => {
    const text = await readFile(join(folder.path, 'data', 'config.json'), 'utf8').catch(() => undefined);
    return text && (JSON.parse(text) as { contract: string }).contract;
  };

  it('keeps no contract that was a slip, and the one that was right', async () => {
    const missing = async (): Promise<never> => {
      throw new NotariumError('chain-contract-missing');
    };
    const slip = await joining(missing, `0x${'01'.repeat(20)}`);
    expect(slip.code).to.equal(61);
    expect(slip.stdout).to.contain('key ');
    expect(await config()).to.equal(undefined);
    const poor = async ({ onStep }: JoinOptions): Promise<never> => {
      onStep({ step: 'kept', expiry: 0 });
      throw new NotariumError('chain-funds-missing');
    };
    expect((await joining(poor, address)).code).to.equal(63);
    expect(await config()).to.equal(address);
    await joining(poor, `0x${'02'.repeat(20)}`);
    expect(await config()).to.equal(address);
  });

  it('says that nothing was left to do, instead of what comes after an application', async () => {
    const joined = { candidate: address, application: address, expiry: 2_000_000_000, report: {} };
    const done = async (): Promise<never> => joined as never;
    const again = await joining(done, address);
    expect(again.code).to.equal(0);
    expect(again.stderr).to.contain('Nothing was left to do').and.not.contain('What comes next');
    const applied = async ({ onStep }: JoinOptions): Promise<never> => {
      onStep({ step: 'applied', transactionHash: `0x${'56'.repeat(32)}` as const, gasUsed: 1 });
      return joined as never;
    };
    expect((await joining(applied, address)).stderr).to.contain('What comes next');
  });

  it('takes the keys that are there', async () => {
    const keystore = join(folder.path, 'data', 'keystore');
    await createKeystore(keystore, 'a password for tests', { scryptN: 2 });
    const seen: string[] = [];
    const ends = async ({ keystore: taken }: JoinOptions): Promise<never> => {
      seen.push(taken);
      throw new NotariumError('admission-closed');
    };
    expect((await joining(ends, address)).code).to.equal(84);
    expect(seen).to.deep.equal([keystore]);
    expect((await readKeystore(keystore)).address).to.match(/^0x/);
  });
});
