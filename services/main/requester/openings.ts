import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Hash } from '../../core/bytes.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../core/channels/channel.ts';
import { isNotariumError } from '../../core/errors.ts';
import { type FolderLock, lockFolder } from '../../store/folderLock.ts';
import { channelFolder, evidenceChannelsIn, readAgreed } from './agreed.ts';

/** A channel that is being opened; nobody else opens it meanwhile. */
type Opening = { readonly channelId: Hash; readonly channel: Channel; readonly lock: FolderLock };

/** What is wanted of a channel. */
type Wanted = Omit<Channel, 'salt'>;

/** A folder for a channel that there was not before. */
export async function newOpening(folder: string, network: ChannelNetwork, wanted: Wanted): Promise<Opening> {
  const channel = { ...wanted, salt: randomBytes(8).readBigUInt64BE() };
  const channelId = channelIdOf(network, channel);
  await mkdir(channelFolder(folder, channelId), { mode: 0o700 });
  return { channelId, channel, lock: lockFolder(channelFolder(folder, channelId)) };
}

/** A channel of the same terms whose opening was begun, and did not come to its end; undefined where there is none. */
export async function interruptedOpening(
  folder: string,
  network: ChannelNetwork,
  wanted: Wanted,
): Promise<Opening | undefined> {
  for (const { channelId, channel, isOpened } of await evidenceChannelsIn(folder)) {
    const isSame = channelIdOf(network, { ...wanted, salt: channel.salt }) === channelId;
    const lock = isOpened || !isSame ? undefined : lockUnlessHeld(channelFolder(folder, channelId));
    // As it is now: the process that had the lock may have come to the end.
    if (lock && (await readAgreed(folder, channelId)).transactionHash === undefined)
      return { channelId, channel, lock };
    lock?.release();
  }
  return undefined;
}

/** Undefined where another process is just opening it. */
function lockUnlessHeld(folder: string): FolderLock | undefined {
  try {
    return lockFolder(folder);
  } catch (error) {
    if (isNotariumError(error, 'store-locked')) return undefined;
    throw error;
  }
}
