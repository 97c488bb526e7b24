import { mkdir, rm } from 'node:fs/promises';
import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import { openChannelChain } from '../../chain/channels/openChannelChain.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import type { Channel } from '../../core/channels/channel.ts';
import type { ChannelSigner } from '../../core/channels/party.ts';
import { type ErrorCode, isNotariumError, NotariumError } from '../../core/errors.ts';
import { verifierTerms } from '../../lib/client/channels/HttpVerifier.ts';
import { silentLogger } from '../../lib/logger.ts';
import { type Agreed, channelFolder, writeAgreed } from './agreed.ts';
import { checkTerms, readTerms, type Terms } from './checkTerms.ts';
import { interruptedOpening, newOpening } from './openings.ts';
import { transactionSigner } from './requesterKey.ts';

/** How a channel is opened. */
export type OpenTerms = {
  /** JSON-RPC of the chain. */
  readonly rpcUrl: string;
  /** `EvidenceChannels`, from a source that you trust: the verifier must name the same. */
  readonly contract: Address;
  /** Base URL of the verifier. */
  readonly url: string;
  /** Deposit, in the smallest unit. */
  readonly amount: bigint;
  /** An ERC-20 token in place of the chain's own coin. */
  readonly token?: Address | undefined;
  /** Challenge period; the shortest that the verifier takes by default. */
  readonly challengeSeconds?: number | undefined;
  /** Keeps channels of this requester, each in a folder of its own: its states are worth money, so back it up. */
  readonly folder: string;
  /** Ends what is under way; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
};

/** A channel that was opened. */
export type OpenedChannel = { readonly channelId: Hash; readonly channel: Channel; readonly transactionHash: Hash };

/** What an opening fails with that has put nothing on chain, and never will. */
const unpaid: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'chain-funds-missing',
  'channel-invalid',
  'channel-state',
  'chain-call-rejected',
]);

const coin: Address = '0x0000000000000000000000000000000000000000';

/**
 * Opens a channel on chain; its terms are on disk before the deposit leaves. One of the same terms whose opening was interrupted is gone on
 * with, so that no deposit leaves twice.
 * @throws NotariumError as `openEvidenceChannel`.
 */
export async function openOnChain(terms: OpenTerms, signer: ChannelSigner): Promise<OpenedChannel> {
  const { rpcUrl, url, amount, folder, signal } = terms;
  const contract = terms.contract.toLowerCase() as Address;
  const { verifier, asked } = await askTerms(url, contract, signal);
  const { prices, safetySeconds, billSeconds } = asked;
  const challengeSeconds = terms.challengeSeconds ?? asked.challengeSeconds.least;
  const token = (terms.token ?? coin).toLowerCase() as Address;
  checkTerms(asked, { token, amount, challengeSeconds });
  const chain = await openChannelChain({
    ...{ rpcUrl, contract, signer: transactionSigner(signer), logger: silentLogger },
    ...(signal ? { signal } : {}),
  });
  try {
    const { network } = chain;
    const wanted: Omit<Channel, 'salt'> = { requester: signer.address, verifier, token, amount, challengeSeconds };
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const interrupted = await interruptedOpening(folder, network, wanted);
    const { channelId, channel, lock } = interrupted ?? (await newOpening(folder, network, wanted));
    try {
      const openedAt = new Date().toISOString();
      const agreed: Agreed = { url, network, channel, openedAt, prices, safetySeconds, billSeconds };
      await writeAgreed(folder, channelId, agreed);
      const transactionHash = await payIn(chain, channelId, channel, signal);
      await writeAgreed(folder, channelId, { ...agreed, transactionHash });
      return { channelId, channel, transactionHash };
    } catch (error) {
      // Of an interrupted one the transaction may be on its way still.
      if (!interrupted && isNotariumError(error) && unpaid.has(error.code))
        await rm(channelFolder(folder, channelId), { recursive: true, force: true });
      if (!isNotariumError(error, 'chain-funds-missing')) throw error;
      throw new NotariumError('chain-funds-missing', `${signer.address} cannot pay the deposit and its gas`, {
        data: { account: signer.address, amount: `${amount}`, token },
        cause: error,
      });
    } finally {
      lock.release();
    }
  } finally {
    chain.close();
  }
}

async function askTerms(
  url: string,
  contract: Address,
  signal: AbortSignal | undefined,
): Promise<{ readonly verifier: Address; readonly asked: Terms }> {
  const answer = await verifierTerms(url, signal);
  const { network, verifier } = answer;
  if (network.contract !== contract) {
    throw new NotariumError('channel-invalid', 'the verifier works with another contract', {
      data: { have: network.contract, want: contract },
    });
  }
  return { verifier, asked: readTerms(answer) };
}

/** Opens it unless an interrupted run has. The contract takes no channel twice. */
async function payIn(chain: ChannelChain, channelId: Hash, channel: Channel, signal?: AbortSignal): Promise<Hash> {
  const found = async (): Promise<Hash | undefined> => (await chain.opening(channelId))?.place.transactionHash;
  const before = await found();
  if (before) return before;
  const { requester: _, ...own } = channel;
  try {
    return (await chain.open(own, signal ? { signal } : {})).transactionHash;
  } catch (error) {
    // The transaction of the interrupted run was on its way still, and came first.
    const opened = isNotariumError(error, 'channel-state') ? await found() : undefined;
    if (!opened) throw error;
    return opened;
  }
}
