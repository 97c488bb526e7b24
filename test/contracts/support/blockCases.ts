/** Blocks that are right, and the same with one thing wrong. */
import { expect } from 'chai';
import { toBeHex } from 'ethers';
import { type Block, createKit, type Header, type Kit, signAs } from './anchorKit.ts';

/** The same bytes with the lowest bit turned. */
export const turned = (word: string): string => toBeHex(BigInt(word) ^ 1n, 32);

/** A committee of four with one block anchored; `next` is the block that comes next. */
export async function setUp(size = 4) {
  const kit = await createKit({ size });
  const first = kit.blockOn(undefined);
  await kit.mined(first);
  return { kit, first, next: kit.blockOn(first.header) };
}

/** Sends it and expects this custom error with these values. */
export const refused = (kit: Kit, block: Block, error: string, values: unknown[], seconds?: bigint) =>
  expect(kit.send(block, seconds))
    .to.be.revertedWithCustomError(kit.anchor, error)
    .withArgs(...values);

/** The same block with other header fields, signed anew by the same members. */
export const changed = (kit: Kit, block: Block, fields: Partial<Header>): Block => {
  const header = { ...block.header, ...fields };
  const signers = kit.members.flatMap((_, index) => ((block.bitmap >> BigInt(index)) & 1n ? [index] : []));
  return { ...block, header, ...signAs(kit.members, signers, kit.digestOf(header)) };
};
