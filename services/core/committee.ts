import type { Address } from './bytes.ts';

/** The ordered set of active centres at one epoch. */
export type Committee = { readonly epoch: number; readonly members: readonly Address[] };

/** Signatures that make a block valid: floor(2m / 3) + 1 (DESIGN.md section 3). */
export function quorumOf(memberCount: number): number {
  return Math.floor((2 * memberCount) / 3) + 1;
}

/** The one centre that may publish in the slot: `committee[slot mod m]`. */
export function publisherOf(committee: Committee, slot: number): Address {
  const publisher = committee.members[slot % committee.members.length];
  if (publisher === undefined) throw new RangeError('an empty committee');
  return publisher;
}

/** Slot number of a moment: floor(unix seconds / T). */
export function slotAt(unixMs: number, periodSeconds: number): number {
  return Math.floor(unixMs / 1000 / periodSeconds);
}

/** When a slot begins, in Unix milliseconds. */
export function slotStartMs(slot: number, periodSeconds: number): number {
  return slot * periodSeconds * 1000;
}
