import { join } from 'node:path';
import type { EvidenceChannel } from '../app/channels/EvidenceChannel.ts';
import type { ActionContext, KnownChannel, OpenChannelOptions, OpenedChannel } from '../cli/CliActions.ts';
import type { Hash } from '../core/bytes.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { required } from './openNode.ts';
import { evidenceChannelsIn } from './requester/agreed.ts';
import { openOnChain } from './requester/openOnChain.ts';
import { signerOf } from './requester/requesterKey.ts';
import { runEvidenceChannel } from './requester/runEvidenceChannel.ts';

const folderOf = ({ settings }: ActionContext): string => join(settings.data, 'requester');

/** See `ChannelActions.open`. */
export async function openChannelByAction(context: ActionContext, options: OpenChannelOptions): Promise<OpenedChannel> {
  const { settings, signal } = context;
  const { url, amount, token, challengeSeconds } = options;
  return await openOnChain(
    {
      rpcUrl: rpcUrlOf(context),
      contract: required(settings.channels, 'the contract EvidenceChannels that you trust', '--channels ADDRESS'),
      ...{ url, amount, token, challengeSeconds, folder: folderOf(context), signal },
    },
    signerOf(options, await loadCrypto()),
  );
}

/** See `ChannelActions.known`. */
export async function knownChannels(context: ActionContext): Promise<readonly KnownChannel[]> {
  return await evidenceChannelsIn(folderOf(context));
}

/** See `ChannelActions.use`. */
export async function useChannel<T>(
  context: ActionContext,
  { channelId, privateKey }: { readonly channelId: Hash; readonly privateKey: Uint8Array },
  work: (channel: EvidenceChannel) => Promise<T>,
): Promise<T> {
  const { signal } = context;
  await using channel = await runEvidenceChannel({
    ...{ rpcUrl: rpcUrlOf(context), folder: folderOf(context), channelId, privateKey, signal },
  });
  return await work(channel);
}

function rpcUrlOf({ settings }: ActionContext): string {
  return required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL');
}
