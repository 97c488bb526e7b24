import { z } from 'zod';
import { evidenceKinds } from '../../core/channels/upload.ts';
import type { Offer } from '../../core/channels/verifierMemory.ts';
import type { JudgedEvidence } from './EvidenceKeeper.ts';

/** What a bill from an earlier version does not say is missing. */
const noteSchema = z.object({ kind: z.enum(evidenceKinds).optional(), locator: z.string().optional() });

/** What is noted with an offered bill, as JSON; durable with it, for as long as the bill is. */
export function offerNote(uploads: readonly string[], { kind, locator }: JudgedEvidence): string {
  return JSON.stringify({ uploads, kind, ...(locator === '' ? {} : { locator }) });
}

/** What {@link offerNote} has noted. */
export function readOfferNote(note: string | undefined): z.output<typeof noteSchema> {
  return note === undefined ? {} : noteSchema.parse(JSON.parse(note));
}

/** The locator of an offer with that note. */
export function locatorOf(note: string | undefined): Pick<Offer, 'locator'> {
  const { locator } = readOfferNote(note);
  return locator === undefined ? {} : { locator };
}
