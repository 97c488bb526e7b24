import { z } from 'zod';
import { channelSchema } from '../../core/channels/channel.ts';
import { lockSchema, maxLocks, signedStateSchema } from '../../core/channels/state.ts';
import { hashSchema } from '../../core/schemas.ts';

/** A state that both have signed, as it is handed to a watchtower. Amounts are decimal text. */
export const handedStateSchema = z.strictObject({
  channelId: hashSchema,
  ...signedStateSchema.shape,
  /** The open locks of the state; only needed with keys. */
  locks: z.array(lockSchema).max(maxLocks).default([]),
  /** Bill keys of these locks, 32 bytes each, to be made public while the channel closes or before they expire. */
  keys: z.array(hashSchema).max(maxLocks).default([]),
});

/** See {@link handedStateSchema}. */
export type HandedState = z.output<typeof handedStateSchema>;

/** What a watchtower keeps of it. */
export const keptStateSchema = z.strictObject({
  channel: channelSchema,
  signed: signedStateSchema,
  keys: z.array(z.strictObject({ key: hashSchema, expiry: z.int() })),
});

/** See {@link keptStateSchema}. */
export type KeptState = z.output<typeof keptStateSchema>;
