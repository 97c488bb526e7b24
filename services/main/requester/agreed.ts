import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Hash } from '../../core/bytes.ts';
import { amountSchema, jsonWithAmounts } from '../../core/channels/amount.ts';
import { type Channel, channelSchema } from '../../core/channels/channel.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';

/** What is agreed on beforehand of each bill. */
export const pricesSchema = z.object({ perItem: amountSchema, perMebibyte: amountSchema });

/** `channel.json` in the folder of a channel: what was agreed on when it was opened. */
const agreedSchema = z.object({
  url: z.string(),
  network: z.object({ chainId: uintSchema, contract: addressSchema }),
  channel: channelSchema,
  openedAt: z.string(),
  prices: pricesSchema,
  safetySeconds: uintSchema,
  billSeconds: uintSchema,
  /** By which it was opened: left out until the chain is known to have the deposit. */
  transactionHash: hashSchema.optional(),
});

/** What was agreed on when a channel was opened. */
export type Agreed = z.output<typeof agreedSchema>;

const settledFile = 'settled';

/** A channel that was opened from a folder. */
export type KnownChannel = {
  readonly channelId: Hash;
  /** Base URL of its verifier. */
  readonly url: string;
  readonly channel: Channel;
  /** Time, ISO 8601. */
  readonly openedAt: string;
  /** Whether the chain is known to have its deposit: false for one whose opening was interrupted. */
  readonly isOpened: boolean;
  /** Whether this side has seen its end on chain. */
  readonly isSettled: boolean;
};

/** Folder of one channel below that of a requester. */
export function channelFolder(folder: string, channelId: Hash): string {
  return join(folder, channelId);
}

function agreedPath(folder: string, channelId: Hash): string {
  return join(channelFolder(folder, channelId), 'channel.json');
}

/** Durable when it resolves; the folder of the channel must be there. @throws NotariumError `file-unwritable`. */
export async function writeAgreed(folder: string, channelId: Hash, agreed: Agreed): Promise<void> {
  await writeFileWhole(agreedPath(folder, channelId), `${jsonWithAmounts(agreed)}\n`);
}

/** Notes that the chain has settled a channel: who names none means another one. @throws NotariumError `file-unwritable`. */
export async function noteSettled(folder: string, channelId: Hash): Promise<void> {
  const path = join(channelFolder(folder, channelId), settledFile);
  if (!existsSync(path)) await writeFileWhole(path, '');
}

/** @throws NotariumError `channel-unknown`. */
export async function readAgreed(folder: string, channelId: Hash): Promise<Agreed> {
  const path = agreedPath(folder, channelId);
  try {
    return agreedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new NotariumError('channel-unknown', `${path} cannot be read`, { data: { channelId }, cause });
  }
}

/**
 * Channels that were opened from a folder, the oldest first; none where there is no such folder.
 * @throws NotariumError `file-unreadable`, `channel-unknown` (one whose terms cannot be read).
 */
export async function evidenceChannelsIn(folder: string): Promise<KnownChannel[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new NotariumError('file-unreadable', folder, { data: { path: folder }, cause: error });
  });
  const known = await Promise.all(
    names
      // A run that was killed before it wrote the terms has sent nothing.
      .filter((name) => /^0x[0-9a-f]{64}$/.test(name) && existsSync(agreedPath(folder, name as Hash)))
      .map(async (name) => {
        const { url, channel, openedAt, transactionHash } = await readAgreed(folder, name as Hash);
        const isOpened = transactionHash !== undefined;
        const isSettled = existsSync(join(channelFolder(folder, name as Hash), settledFile));
        return { channelId: name as Hash, url, channel, openedAt, isOpened, isSettled };
      }),
  );
  return known.sort((a, b) => a.openedAt.localeCompare(b.openedAt));
}
