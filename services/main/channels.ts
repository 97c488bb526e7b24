import { join } from 'node:path';
import type { EvidenceChannel } from '../app/channels/EvidenceChannel.ts';
import type {
  ActionContext,
  ChannelContentOptions,
  KnownChannel,
  OpenChannelOptions,
  OpenedChannel,
} from '../cli/CliActions.ts';
import { type Hash, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { contentOf, type VerifierContent } from '../lib/client/channels/contentOf.ts';
import { HttpVerifier } from '../lib/client/channels/HttpVerifier.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { evidenceChannelsIn, readAgreed } from './requester/agreed.ts';
import { openOnChain } from './requester/openOnChain.ts';
import { signerOf } from './requester/requesterKey.ts';
import { runEvidenceChannel } from './requester/runEvidenceChannel.ts';
import { required } from './required.ts';

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

/** See `ChannelActions.content`. */
export async function channelContent(context: ActionContext, options: ChannelContentOptions): Promise<VerifierContent> {
  const { channelId, digest, contentKey } = options;
  const { url: agreedUrl, network, channel } = await readAgreed(folderOf(context), channelId);
  const { address, sign } = signerOf(options, await loadCrypto());
  if (address !== channel.requester) {
    throw new NotariumError('key-missing', 'the channel was opened with another key', {
      data: { have: address, want: channel.requester },
    });
  }
  const verifier = new HttpVerifier({ url: options.url ?? agreedUrl, network, channelId, sign });
  const { signal } = context;
  return await contentOf(verifier, digest, { signal, ...(contentKey ? { key: toHex(contentKey) } : {}) });
}

function rpcUrlOf({ settings }: ActionContext): string {
  return required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL');
}
