import type { Result } from 'ethers';
import { type BlockHeader, type BlockSignature, blockHash, zeroHash } from '../core/block.ts';
import { type Address, concat, fromHex, type Hash, type Hex, hexDigits, toHex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { hashWord, type Network, uintWord } from '../core/eip712.ts';
import { compactSignature, fullSignature, signatureBytes } from '../core/signature.ts';
import type { AnchorRequest } from './Chain.ts';
import { blockAnchorInterface } from './interfaces.ts';

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

/** A call that may have anchored a block. */
export type AnchorCall = { readonly header: BlockHeader; readonly bitmap: bigint; readonly signatures: Uint8Array };

/** What the event of a block and the block below tell of its header. */
export type EventHeader = Omit<BlockHeader, 'epoch' | 'publisher'>;

// Each costs the check of its signatures, and who anchors may put any number of them into the data.
const mostCalls = 8;

/**
 * The calls with the header of an anchored block, out of a transaction's data. Finds them also where they stand, unpacked,
 * inside a call of another contract (a multicall, a wallet). Anyone may anchor in such a way, and put anything around the
 * true call: what else is in a call than the header is for the caller to check.
 * @returns At most 8, in their order; none when the data shows no such call.
 */
export function findAnchorCalls(data: Hex, network: Network, hash: Hash, known: EventHeader): AnchorCall[] {
  const { height, slot, treeSize, root, parent } = known;
  const words = [uintWord(height), uintWord(slot), uintWord(treeSize), hashWord(root), hashWord(parent)];
  const beginning = selector + hexDigits(concat(...words));
  const calls: AnchorCall[] = [];
  let tried = 0;
  for (let at = data.indexOf(beginning, 2); at >= 0 && tried < mostCalls; at = data.indexOf(beginning, at + 1)) {
    const header = at % 2 === 0 ? headerAt(data, at + beginning.length, known) : undefined;
    if (!header || blockHash(network, header) !== hash) continue;
    tried++;
    const call = readCall(`0x${data.slice(at)}`, header);
    if (call) calls.push(call);
  }
  return calls;
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

/** The header whose last two words stand there, of fixed length: without decoding what may be long. */
function headerAt(data: Hex, at: number, known: EventHeader): BlockHeader | undefined {
  const words = /^([0-9a-f]{64})0{24}([0-9a-f]{40})$/.exec(data.slice(at, at + 128));
  if (!words) return undefined;
  const epoch = Number(`0x${words[1]}`);
  return Number.isSafeInteger(epoch) ? { ...known, epoch, publisher: `0x${words[2]}` as Address } : undefined;
}

function readCall(data: Hex, header: BlockHeader): AnchorCall | undefined {
  try {
    const args: Result = blockAnchorInterface.decodeFunctionData('anchor', data);
    return { header, bitmap: args[3] as bigint, signatures: fromHex(args[4] as string) };
  } catch {
    // Cut off, or followed by something else than the rest of a call.
    return undefined;
  }
}
