import { expect } from 'chai';
import { TypedDataEncoder, type TypedDataField } from 'ethers';
import fc from 'fast-check';
import { acceptanceDigest, refusalDigest, refusalReasons } from '../../../services/core/acceptance.ts';
import { blockDigest, blockHash } from '../../../services/core/block.ts';
import { type Address, fromHex, type Hash, toHex } from '../../../services/core/bytes.ts';
import {
  addressWord,
  domainSeparator,
  hashWord,
  type Network,
  networkName,
  parseNetworkName,
  uintWord,
} from '../../../services/core/eip712.ts';
import { recordDigest } from '../../../services/core/record.ts';

const uint = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytesOf(32).map((bytes) => toHex(bytes) as Hash);
const address = bytesOf(20).map((bytes) => toHex(bytes) as Address);
const networks = fc.record({ chainId: fc.maxSafeNat().map((id) => id || 1), contract: address });

const domainOf = ({ chainId, contract }: Network) => ({
  name: 'Notarium',
  version: '1',
  chainId,
  verifyingContract: contract,
});

/** ethers' digest of a struct whose type is written as Solidity does. */
function expected(network: Network, type: string, value: Record<string, unknown>): string {
  const [, name, members] = /^(\w+)\((.*)\)$/.exec(type)!;
  const fields = members!.split(',').map((member): TypedDataField => {
    const [memberType, memberName] = member.split(' ');
    return { type: memberType!, name: memberName! };
  });
  return TypedDataEncoder.hash(domainOf(network), { [name!]: fields }, value);
}

describe('eip712', () => {
  it('has the domain separator of ethers', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const want = TypedDataEncoder.hashDomain(domainOf(network));
        expect(toHex(domainSeparator(network))).to.equal(want);
        expect(toHex(domainSeparator(network)), 'from the cache').to.equal(want);
      }),
    );
  });

  it('has the digests of ethers: Record', () => {
    fc.assert(
      fc.property(networks, hash, (network, id) => {
        expect(toHex(recordDigest(network, fromHex(id)))).to.equal(expected(network, 'Record(bytes32 id)', { id }));
      }),
    );
  });

  it('has the digests of ethers: Block', () => {
    const type =
      'Block(uint64 height,uint64 slot,uint64 treeSize,bytes32 root,bytes32 parent,uint64 epoch,address publisher)';
    const headers = fc.record({
      height: uint,
      slot: uint,
      treeSize: uint,
      root: hash,
      parent: hash,
      epoch: uint,
      publisher: address,
    });
    fc.assert(
      fc.property(networks, headers, (network, header) => {
        expect(toHex(blockDigest(network, header))).to.equal(expected(network, type, header));
        expect(blockHash(network, header)).to.equal(expected(network, type, header));
      }),
    );
  });

  it('has the digests of ethers: Acceptance', () => {
    const promises = fc.record({ recordId: hash, acceptedAt: uint, includeBySlot: uint });
    fc.assert(
      fc.property(networks, promises, (network, promise) => {
        expect(toHex(acceptanceDigest(network, promise))).to.equal(
          expected(network, 'Acceptance(bytes32 recordId,uint64 acceptedAt,uint64 includeBySlot)', promise),
        );
      }),
    );
  });

  it('has the digests of ethers: Refusal', () => {
    const refusals = fc.record({
      recordId: hash,
      reason: fc.constantFrom(...refusalReasons),
      winner: hash,
      slot: uint,
    });
    fc.assert(
      fc.property(networks, refusals, (network, refusal) => {
        const reason = `0x${Buffer.from(refusal.reason).toString('hex').padEnd(64, '0')}`;
        expect(toHex(refusalDigest(network, refusal))).to.equal(
          expected(network, 'Refusal(bytes32 recordId,bytes32 reason,bytes32 winner,uint64 slot)', {
            ...refusal,
            reason,
          }),
        );
      }),
    );
  });

  it('writes and reads network names, in one spelling', () => {
    fc.assert(
      fc.property(networks, (network) => {
        expect(parseNetworkName(networkName(network))).to.deep.equal(network);
      }),
    );
    const contract = `0x${'5f'.repeat(20)}`;
    for (const name of [
      '',
      'eip155',
      `eip155:0:${contract}`,
      `eip155:01:${contract}`,
      `eip155:-1:${contract}`,
      `eip155:1e3:${contract}`,
      `eip155:9007199254740992:${contract}`,
      `eip155:99999999999999999:${contract}`,
      `eip155:1:${contract}0`,
      `eip155:1:0x${'5F'.repeat(20)}`,
      `EIP155:1:${contract}`,
      ` eip155:1:${contract}`,
      `eip155:1:${contract}\n`,
    ]) {
      expect(parseNetworkName(name), name).to.equal(undefined);
    }
  });

  it('writes words of 32 bytes', () => {
    fc.assert(
      fc.property(uint, (value) => {
        expect(BigInt(toHex(uintWord(value)))).to.equal(BigInt(value));
        expect(uintWord(value)).to.have.length(32);
      }),
    );
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => uintWord(value), String(value)).to.throw(RangeError);
    }
    expect(toHex(addressWord(`0x${'ab'.repeat(20)}` as Address))).to.equal(`0x${'00'.repeat(12)}${'ab'.repeat(20)}`);
    expect(toHex(hashWord(`0x${'ab'.repeat(32)}` as Hash))).to.equal(`0x${'ab'.repeat(32)}`);
  });
});
