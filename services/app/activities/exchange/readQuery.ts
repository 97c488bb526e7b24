import type { z } from 'zod';
import type { Address } from '../../../core/bytes.ts';
import { isNotariumError } from '../../../core/errors.ts';
import { firstFrame, readJson } from '../../replication/wire.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { malformedPoints } from './Refusals.ts';

/** What a peer asks for. @throws NotariumError `peer-answer-invalid`, counted and blamed. */
export async function readQuery<T>(
  { refusals }: Pick<ActivityParts, 'refusals'>,
  from: Address,
  frames: AsyncIterable<Uint8Array>,
  schema: z.ZodType<T>,
): Promise<T> {
  const { first } = await firstFrame(frames);
  try {
    return readJson(schema, first);
  } catch (error) {
    if (isNotariumError(error)) refusals.count(error, from, malformedPoints);
    throw error;
  }
}
