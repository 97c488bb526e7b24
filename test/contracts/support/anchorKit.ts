/** What the contract tests and the gas table make blocks with: a committee of known keys, headers, signatures, time. */
import {
  type ContractTransactionReceipt,
  computeAddress,
  concat,
  id,
  type Provider,
  Signature,
  SigningKey,
  TypedDataEncoder,
  ZeroAddress,
  ZeroHash,
} from 'ethers';
import { network } from 'hardhat';
import type { EdrNetworkConfigOverride } from 'hardhat/types/config';
import type { BlockAnchor, NodeRegistry } from '../../../types/ethers-contracts/index.ts';
import { ReferenceTree } from './referenceTree.ts';

export type Header = {
  height: bigint;
  slot: bigint;
  treeSize: bigint;
  root: string;
  parent: string;
  epoch: bigint;
  publisher: string;
};

/** Everything that `BlockAnchor.anchor` takes. */
export type Block = { header: Header; previous: Header; proof: string[]; bitmap: bigint; signatures: string };

export type Member = { address: string; key: SigningKey };

const blockTypes = {
  Block: [
    { name: 'height', type: 'uint64' },
    { name: 'slot', type: 'uint64' },
    { name: 'treeSize', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
    { name: 'parent', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'publisher', type: 'address' },
  ],
};

export const zeroHeader: Header = {
  height: 0n,
  slot: 0n,
  treeSize: 0n,
  root: ZeroHash,
  parent: ZeroHash,
  epoch: 0n,
  publisher: ZeroAddress,
};

/** Test members have known keys: never use them for anything else. */
export function memberOf(index: number): Member {
  const key = new SigningKey(id(`notarium test member ${index}`));
  return { address: computeAddress(key), key };
}

export const entryOf = (member: Member, index: number) => ({
  account: member.address,
  name: `Centre ${index}`,
  endpoint: `https://centre-${index}.example`,
  encryptionKey: id(`encryption ${index}`),
  noteKey: id(`note ${index}`),
});

/** EIP-2098. */
export const compact = (key: SigningKey, digest: string): string => key.sign(digest).compactSerialized;

export const quorumOf = (size: number): number => Math.floor((2 * size) / 3) + 1;

/** Signs for these members, in committee order. */
export function signAs(
  members: readonly Member[],
  signers: readonly number[],
  digest: string,
): { bitmap: bigint; signatures: string } {
  const sorted = [...signers].sort((a, b) => a - b);
  return {
    bitmap: sorted.reduce((bitmap, signer) => bitmap | (1n << BigInt(signer)), 0n),
    signatures: concat(sorted.map((signer) => compact(members[signer]!.key, digest))),
  };
}

export type KitOptions = {
  size: number;
  periodSeconds?: number;
  graceSeconds?: number;
  tree?: ReferenceTree;
  /** Instead of the test members with known keys. */
  members?: readonly Member[];
  override?: EdrNetworkConfigOverride;
  /** Gas of the registry's deployment, where the default is too little. */
  deployGas?: number;
};

/** A fixed moment long after the machine's clock, on a slot's edge for any period that divides a day. */
export const startSeconds = 4_102_444_800;

/** A fresh chain in this process with both contracts. */
export async function createKit(options: KitOptions) {
  const { size, periodSeconds = 10, graceSeconds = 5 } = options;
  const connection = await network.create({
    network: 'hardhat',
    override: {
      ...options.override,
      initialDate: new Date((startSeconds - 86_400) * 1000),
    } as EdrNetworkConfigOverride,
  });
  const { ethers } = connection;
  const members = options.members ?? Array.from({ length: size }, (_, index) => memberOf(index));
  const registry = (await ethers.deployContract(
    'NodeRegistry',
    [members.map((member, index) => entryOf(member, index))],
    options.deployGas === undefined ? {} : { gasLimit: options.deployGas },
  )) as unknown as NodeRegistry;
  const anchor = (await ethers.deployContract('BlockAnchor', [
    await registry.getAddress(),
    periodSeconds,
    graceSeconds,
  ])) as unknown as BlockAnchor;
  const contract = await anchor.getAddress();
  await registry.setAnchor(contract);
  const { chainId } = await ethers.provider.getNetwork();
  const tree = options.tree ?? ReferenceTree.ofEqual(new TextEncoder().encode('entry'));
  const firstSlot = BigInt(Math.floor(startSeconds / periodSeconds));
  const domain = { name: 'Notarium', version: '1', chainId, verifyingContract: contract };

  const digestOf = (header: Header): string => TypedDataEncoder.hash(domain, blockTypes, header);

  /** A block on top of `previous`, right in every way but for `changes`, signed by a quorum that has the publisher. */
  const blockOn = (
    previous: Header | undefined,
    changes: Partial<Header> = {},
    more: { signers?: number[]; proof?: string[]; committee?: readonly Member[] } = {},
  ): Block => {
    const committee = more.committee ?? members;
    const slot = changes.slot ?? (previous === undefined ? firstSlot : previous.slot + 1n);
    const turn = Number(slot % BigInt(committee.length));
    const treeSize = changes.treeSize ?? (previous?.treeSize ?? 0n) + 3n;
    const header: Header = {
      height: (previous?.height ?? 0n) + 1n,
      slot,
      treeSize,
      root: tree.root(Number(treeSize)),
      parent: previous === undefined ? ZeroHash : digestOf(previous),
      epoch: 1n,
      publisher: committee[turn]!.address,
      ...changes,
    };
    const signers =
      more.signers ??
      Array.from({ length: quorumOf(committee.length) }, (_, index) => (turn + index) % committee.length);
    const proof =
      more.proof ??
      (previous === undefined || previous.treeSize >= treeSize
        ? []
        : tree.consistency(Number(previous.treeSize), Number(treeSize)));
    return { header, previous: previous ?? zeroHeader, proof, ...signAs(committee, signers, digestOf(header)) };
  };

  /** The next chain block has this time. */
  const setTime = (seconds: bigint | number) =>
    ethers.provider.send('evm_setNextBlockTimestamp', [`0x${BigInt(seconds).toString(16)}`]);

  const begin = (slot: bigint): bigint => slot * BigInt(periodSeconds);

  /** Sends it, at the first second of its slot if no other time is given (`undefined`: the chain's own next time). */
  const send = async (block: Block, seconds: bigint | undefined = begin(block.header.slot)) => {
    const latest = BigInt((await ethers.provider.getBlock('latest'))!.timestamp);
    await setTime(seconds > latest ? seconds : latest + 1n);
    return anchor.anchor(block.header, block.previous, block.proof, block.bitmap, block.signatures, {
      gasLimit: 8_000_000n,
    });
  };

  const mined = async (block: Block): Promise<ContractTransactionReceipt> => (await (await send(block)).wait())!;

  return {
    connection,
    ethers,
    provider: ethers.provider as unknown as Provider,
    members,
    registry,
    anchor,
    contract,
    chainId,
    tree,
    firstSlot,
    domain,
    periodSeconds,
    graceSeconds,
    digestOf,
    blockOn,
    setTime,
    begin,
    send,
    mined,
  };
}

export type Kit = Awaited<ReturnType<typeof createKit>>;

/** s and the parity turned over: another signature of the same digest by the same key, 65 bytes' worth. */
export function mirrored(signature: string): { r: string; s: bigint; yParity: 0 | 1 } {
  const { r, s, yParity } = Signature.from(signature);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  return { r, s: order - BigInt(s), yParity: yParity === 0 ? 1 : 0 };
}
