import { expect } from 'chai';
import { Signature, TypedDataEncoder, Wallet } from 'ethers';
import { registryInterface } from '../../../services/chain/interfaces.ts';
import { type Address, type Hex, toHex } from '../../../services/core/bytes.ts';
import { devAddress, devKey, sendAsDeployer } from '../../support/chains.ts';
import { sharedHardhat } from '../../support/sharedHardhat.ts';
import { until } from '../../support/until.ts';
import { type ChainKit, chainKit } from './chainKit.ts';

const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const types = {
  Attestation: [
    { name: 'candidate', type: 'address' },
    { name: 'entry', type: 'Entry' },
    { name: 'manifestHash', type: 'bytes32' },
    { name: 'profileDigest', type: 'bytes32' },
    { name: 'score', type: 'uint32' },
    { name: 'expiry', type: 'uint48' },
    { name: 'nonce', type: 'uint48' },
  ],
  Entry: [
    { name: 'name', type: 'string' },
    { name: 'endpoint', type: 'string' },
    { name: 'encryptionKey', type: 'bytes32' },
    { name: 'noteKey', type: 'bytes32' },
  ],
};
const rules = {
  manifestHash: hash('11'),
  attestations: 1,
  reapplySeconds: 60,
  minScore: 1,
  renewSeconds: 0,
  minHashesPerSecond: 0,
  memoryMiB: 0,
  minMemoryPassesPerMinute: 0,
  minWrittenMiBPerSecond: 0,
  minReadMiBPerSecond: 0,
};

describe('nodes of the registry', () => {
  let kit: ChainKit;
  let rpcUrl: string;
  before(async () => {
    ({ rpcUrl } = await sharedHardhat());
    kit = await chainKit(rpcUrl);
  });
  after(() => kit.chain.close());

  const candidate = devAddress(5);
  const govern = (data: string) =>
    sendAsDeployer(rpcUrl, 'an act of the governor', { to: kit.deployed.registry, data: data as Hex });
  /** By an account that the chain has unlocked. */
  const sendAs = async (from: Address, data: string): Promise<void> => {
    const sent = await kit.rpc('eth_sendTransaction', [{ from, to: kit.deployed.registry, data, gas: '0x7a1200' }]);
    const receipt = await until('the transaction to be mined', () => kit.rpc('eth_getTransactionReceipt', [sent]));
    expect(receipt).to.have.property('status', '0x1');
  };
  const nodeOf = async (account: Address) => (await kit.chain.nodes()).find(({ address }) => address === account);

  it('show authenticators, and candidates by what they have published', async () => {
    const { deployed } = kit;
    const calls = registryInterface;
    await govern(calls.encodeFunctionData('setGovernor', [devAddress(9)]));
    await govern(calls.encodeFunctionData('setAdmissionRules', [rules]));
    await govern(calls.encodeFunctionData('setAuthenticator', [devAddress(0), true]));
    expect((await kit.chain.nodes()).map(({ isAuthenticator }) => isAuthenticator)).to.deep.equal([
      true,
      undefined,
      undefined,
      undefined,
    ]);

    const entry = { name: 'Fünf', endpoint: 'https://five.example', encryptionKey: hash('22'), noteKey: hash('33') };
    const rest = { manifestHash: rules.manifestHash, profileDigest: hash('44'), score: 7, expiry: 2 ** 40, nonce: 0 };
    const domain = {
      name: 'Notarium',
      version: '1',
      chainId: deployed.chainId,
      verifyingContract: deployed.registry,
    };
    const attestation = { candidate, entry, ...rest };
    const signed = await new Wallet(toHex(devKey(0))).signTypedData(domain, types, attestation);
    const application = { entryHash: TypedDataEncoder.hashStruct('Entry', { Entry: types.Entry }, entry), ...rest };
    await sendAs(
      candidate,
      calls.encodeFunctionData('applyFor', [application, Signature.from(signed).compactSerialized]),
    );
    expect(await nodeOf(candidate)).to.equal(undefined);
    await sendAs(devAddress(6), calls.encodeFunctionData('publish', [{ account: candidate, ...entry }, application]));

    const name = TypedDataEncoder.hashStruct('Attestation', types, attestation).slice(0, 42);
    const published = await nodeOf(candidate);
    const { appliedAt } = published!.application!;
    expect(published).to.deep.equal({
      address: candidate,
      ...entry,
      status: 'candidate',
      application: { name, appliedAt, expiry: 2 ** 40, score: 7, profileDigest: hash('44') },
    });
    expect(appliedAt).to.be.within(1, (await kit.chain.chainTime()).latestSeconds);

    await govern(calls.encodeFunctionData('admit', [candidate, name]));
    expect((await nodeOf(candidate))?.status).to.equal('active');
    await govern(calls.encodeFunctionData('ban', [candidate]));
    const banned = await nodeOf(candidate);
    expect(banned?.status).to.equal('banned');
    expect(banned).to.not.have.property('application');
  });
});
