import { z } from 'zod';
import type { Bill } from '../../core/channels/bill.ts';
import { type BillKind, evidenceKinds } from '../../core/channels/upload.ts';
import type { Offer } from '../../core/channels/verifierMemory.ts';
import type { JudgedEvidence } from './EvidenceKeeper.ts';

const noteSchema = z.object({ kind: z.enum(evidenceKinds), locator: z.string().optional() });

/** What is noted with an offered bill, as JSON; durable with it, for as long as the bill is. */
export function offerNote(uploads: readonly string[], { kind, locator }: JudgedEvidence): string {
  return JSON.stringify({ uploads, kind, ...(locator === '' ? {} : { locator }) });
}

/**
 * What a bill is for. A bill that this verifier has forgotten, and the requester has shown, has no note: of one content it is known all
 * the same, and of many it is not whether the content came with them.
 */
export function kindOf({ count }: Pick<Bill, 'count'>, note: string | undefined): BillKind {
  if (note !== undefined) return noteSchema.parse(JSON.parse(note)).kind;
  return count === 1 ? 'content' : 'unknown';
}

/** The locator of an offer with that note. */
export function locatorOf(note: string | undefined): Pick<Offer, 'locator'> {
  const locator = note === undefined ? undefined : noteSchema.parse(JSON.parse(note)).locator;
  return locator === undefined ? {} : { locator };
}
