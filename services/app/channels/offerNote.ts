import { z } from 'zod';
import { evidenceKinds } from '../../core/channels/upload.ts';
import type { JudgedEvidence } from './EvidenceKeeper.ts';

/** What a bill from an earlier version does not say is missing. */
const noteSchema = z.object({ kind: z.enum(evidenceKinds).optional() });

/** What is noted with an offered bill, as JSON; durable with it, for as long as the bill is. */
export function offerNote(uploads: readonly string[], { kind }: JudgedEvidence): string {
  return JSON.stringify({ uploads, kind });
}

/** What {@link offerNote} has noted. */
export function readOfferNote(note: string | undefined): z.output<typeof noteSchema> {
  return note === undefined ? {} : noteSchema.parse(JSON.parse(note));
}
