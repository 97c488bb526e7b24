import { Interface, type Result } from 'ethers';
import type { BlockAnchorInterface } from '../../types/ethers-contracts/BlockAnchor.ts';
import { type BlockHeader, type BlockSignature, blockHash, zeroHash } from '../core/block.ts';
import { type Address, concat, fromHex, type Hash, type Hex, toHex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import type { Network } from '../core/eip712.ts';
import { compactSignature, fullSignature, signatureBytes } from '../core/signature.ts';
import blockAnchorAbi from './abi/BlockAnchor.json' with { type: 'json' };
import type { AnchorRequest } from './Chain.ts';

/** ABI of `BlockAnchor`. */
export const blockAnchorInterface = new Interface(blockAnchorAbi) as unknown as BlockAnchorInterface;

const selector = blockAnchorInterface.getFunction('anchor').selector.slice(2);
const noHeader: BlockHeader = {
  height: 0,
  slot: 0,
  treeSize: 0,
  root: zeroHash,
  parent: zeroHash,
  epoch: 0,
  publisher: '0x0000000000000000000000000000000000000000',
};

/**
 * Data of the `anchor` call. Signatures of others than members are left out: the contract would refuse all for one.
 * @throws NotariumError `signature-malformed`, `signature-malleable`.
 */
export function encodeAnchor(request: AnchorRequest, committee: Committee): Hex {
  const { header, previous = noHeader, proof, signatures } = request;
  const byMember = new Map<Address, string>(signatures.map(({ signer, signature }) => [signer, signature]));
  let bitmap = 0n;
  const packed: Uint8Array[] = [];
  committee.members.forEach((member, index) => {
    const signature = byMember.get(member);
    if (signature === undefined) return;
    bitmap |= 1n << BigInt(index);
    packed.push(compactSignature(signatureBytes(signature)));
  });
  const args = [header, previous, proof.map(toHex), bitmap, toHex(concat(...packed))] as const;
  return blockAnchorInterface.encodeFunctionData('anchor', [...args]) as Hex;
}

/** The call that anchored a block. */
export type AnchorCall = { readonly header: BlockHeader; readonly bitmap: bigint; readonly signatures: Uint8Array };

/**
 * The call that anchored a block, out of a transaction's data. Finds it also where it stands, unpacked, inside a call
 * of another contract (a multicall, a wallet); anyone may anchor in such a way.
 * @returns Undefined when there is no call of that block in it.
 */
export function findAnchorCall(data: Hex, network: Network, hash: Hash): AnchorCall | undefined {
  for (let at = data.indexOf(selector, 2); at >= 0; at = data.indexOf(selector, at + 1)) {
    const call = at % 2 === 0 ? readCall(`0x${data.slice(at)}`) : undefined;
    if (call && blockHash(network, call.header) === hash) return call;
  }
  return undefined;
}

/** Signatures of a call, 65 bytes each; undefined when they are not one for each bit. */
export function callSignatures(call: AnchorCall, committee: Committee): BlockSignature[] | undefined {
  const { bitmap, signatures } = call;
  const signers = committee.members.filter((_, index) => ((bitmap >> BigInt(index)) & 1n) === 1n);
  if (signatures.length !== 64 * signers.length) return undefined;
  return signers.map((signer, index) => ({
    signer,
    signature: toHex(fullSignature(signatures.slice(64 * index, 64 * index + 64))),
  }));
}

function readCall(data: Hex): AnchorCall | undefined {
  let args: Result;
  let header: BlockHeader;
  try {
    args = blockAnchorInterface.decodeFunctionData('anchor', data);
    header = headerOf(args[0] as Result);
  } catch {
    // The four bytes of the selector stood there by chance.
    return undefined;
  }
  const { height, slot, treeSize, epoch } = header;
  if (![height, slot, treeSize, epoch].every(Number.isSafeInteger)) return undefined;
  return { header, bitmap: args[3] as bigint, signatures: fromHex(args[4] as string) };
}

function headerOf(value: Result): BlockHeader {
  const [height, slot, treeSize, root, parent, epoch, publisher] = value;
  return {
    height: Number(height),
    slot: Number(slot),
    treeSize: Number(treeSize),
    root: root as Hash,
    parent: parent as Hash,
    epoch: Number(epoch),
    publisher: (publisher as string).toLowerCase() as Address,
  };
}
