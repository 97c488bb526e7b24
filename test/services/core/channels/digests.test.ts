import { expect } from 'chai';
import { AbiCoder, keccak256, solidityPacked, TypedDataEncoder } from 'ethers';
import { toHex } from '../../../../services/core/bytes.ts';
import { billDigest } from '../../../../services/core/channels/bill.ts';
import { channelAccessDigest, channelIdOf } from '../../../../services/core/channels/channel.ts';
import { closeDigest, locksHashOf, noLocks, stateDigest } from '../../../../services/core/channels/state.ts';
import { statementDigest } from '../../../../services/core/channels/statement.ts';
import { lockOf } from '../../../../services/core/channels/update.ts';
import { billOf, hashOf, network, parties } from './channelKit.ts';

const { chainId, contract } = network;
const domain = { name: 'Notarium', version: '1', chainId, verifyingContract: contract };
/** Types of a struct, written as EIP-712 has them. */
const typesOf = (name: string, fields: string) => ({
  [name]: fields.split(',').map((field) => {
    const [type, of] = field.split(' ') as [string, string];
    return { name: of, type };
  }),
});
const digest = (name: string, fields: string, value: Record<string, unknown>) =>
  TypedDataEncoder.hash(domain, typesOf(name, fields), value);

describe('what is signed in a channel, against ethers', () => {
  const { verifier, requester } = parties();
  const { channelId, channel } = requester;
  const signed = billOf(verifier, 'evidence', { amount: 2n ** 100n, count: 3 });
  const closing = {
    ...{ requesterBalance: 2n ** 127n, verifierBalance: 7n, evidenceRoot: hashOf('root'), evidenceCount: 2 ** 40 },
  };

  it('names a channel', () => {
    const { requester: from, verifier: to, token, amount, challengeSeconds, salt } = channel;
    const types = ['uint256', 'address', 'tuple(address,address,address,uint128,uint32,uint64)'];
    const values = [chainId, contract, [from, to, token, amount, challengeSeconds, salt]];
    expect(channelIdOf(network, channel)).to.equal(keccak256(AbiCoder.defaultAbiCoder().encode(types, values)));
  });

  it('hashes locks', () => {
    const locks = [lockOf(signed.bill), lockOf(billOf(verifier, 'other').bill)];
    const types = locks.flatMap(() => ['bytes32', 'bytes32', 'uint128', 'uint64']);
    const values = locks.flatMap(({ keyHash, digest: of, amount, expiry }) => [keyHash, of, amount, expiry]);
    expect(locksHashOf(locks)).to.equal(keccak256(solidityPacked(types, values)));
    expect(locksHashOf([])).to.equal(noLocks);
  });

  it('signs states, closings, bills, statements and accesses', () => {
    const state = { ...closing, version: 2 ** 40 - 1, locksHash: hashOf('locks') };
    const balances = 'uint128 requesterBalance,uint128 verifierBalance';
    const tree = 'bytes32 evidenceRoot,uint64 evidenceCount';
    expect(toHex(stateDigest(network, channelId, state))).to.equal(
      digest('State', `bytes32 channelId,uint64 version,${balances},bytes32 locksHash,${tree}`, {
        channelId,
        ...state,
      }),
    );
    expect(toHex(closeDigest(network, channelId, closing))).to.equal(
      digest('Close', `bytes32 channelId,${balances},${tree}`, { channelId, ...closing }),
    );
    const { bill } = signed;
    const fields =
      'bytes32 id,bytes32 channelId,bytes32 digest,uint64 count,uint128 amount,uint64 expiry,bytes32 keyHash';
    expect(toHex(billDigest(network, bill))).to.equal(digest('Bill', fields, bill));
    const said = { role: 'verifier', locator: 'https://evidence.example/ü' } as const;
    expect(toHex(statementDigest(network, bill, said))).to.equal(
      digest(
        'EvidenceStatement',
        'string role,bytes32 channelId,bytes32 billId,bytes32 digest,uint64 count,string locator',
        { ...said, channelId, billId: bill.id, digest: bill.digest, count: bill.count },
      ),
    );
    expect(toHex(channelAccessDigest(network, { channelId, expiresAt: 99 }))).to.equal(
      digest('ChannelAccess', 'bytes32 channelId,uint64 expiresAt', { channelId, expiresAt: 99 }),
    );
  });
});
