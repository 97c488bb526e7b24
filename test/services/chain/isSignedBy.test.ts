import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { Interface } from 'ethers';
import type { Hex } from '../../../services/core/bytes.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { devAddress, devKey, type RunningChain, sendAsDeployer } from '../../support/chains.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import { crypto } from './chainKit.ts';
import { type GovernanceKit, governanceKit } from './governanceKit.ts';

const digest = new Uint8Array(32).fill(7);
const artifact = new URL(
  '../../../artifacts/test/contracts/support/GovernorDoubles.sol/TestWallet.json',
  import.meta.url,
);

describe('signatures of accounts', () => {
  let running: RunningChain;
  let kit: GovernanceKit;
  before(async () => {
    running = await sharedHardhat();
    kit = await governanceKit(running.rpcUrl);
  });
  after(() => kit?.close());

  it('are those of its key, or what the wallet at its address takes', async () => {
    const { abi, bytecode } = JSON.parse(await readFile(artifact, 'utf8'));
    const wallet = new Interface(abi);
    const data = `${bytecode}${wallet.encodeDeploy([devAddress(1)]).slice(2)}` as Hex;
    const { contractAddress } = await sendAsDeployer(running.rpcUrl, 'wallet', { data });
    const { isSignedBy } = kit.governance;
    const signature = await localSigner(devKey(1), crypto).sign(digest);
    const other = await localSigner(devKey(2), crypto).sign(digest);
    expect(await isSignedBy(devAddress(1), digest, signature)).to.equal(true);
    expect(await isSignedBy(devAddress(1), digest, other)).to.equal(false);
    expect(await isSignedBy(devAddress(1), digest, new Uint8Array(3))).to.equal(false);
    expect(await isSignedBy(contractAddress, digest, signature)).to.equal(true);
    expect(await isSignedBy(contractAddress, digest, other)).to.equal(false);
    for (const mood of [1, 2]) {
      const call = wallet.encodeFunctionData('setMood', [mood, devAddress(0), '0x']) as Hex;
      await sendAsDeployer(running.rpcUrl, 'mood', { to: contractAddress, data: call });
      expect(await isSignedBy(contractAddress, digest, signature)).to.equal(false);
    }
    // One that answers the governor alone.
    const call = wallet.encodeFunctionData('setMood', [6, kit.governance.governor.contract, '0x']) as Hex;
    await sendAsDeployer(running.rpcUrl, 'mood', { to: contractAddress, data: call });
    expect(await isSignedBy(contractAddress, digest, signature)).to.equal(true);
    // A contract that is no wallet.
    expect(await isSignedBy(kit.governance.governor.contract, digest, signature)).to.equal(false);
  });
});
