import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { openChannelChain } from '../../chain/channels/openChannelChain.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { type Channel, channelIdOf } from '../../core/channels/channel.ts';
import type { ChannelSigner } from '../../core/channels/party.ts';
import { type ErrorCode, isNotariumError, NotariumError } from '../../core/errors.ts';
import { verifierTerms } from '../../lib/client/channels/HttpVerifier.ts';
import { silentLogger } from '../../lib/logger.ts';
import { channelFolder, writeAgreed } from './agreed.ts';
import { checkTerms, readTerms } from './checkTerms.ts';
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

/** Opens a channel on chain; its terms are on disk before the deposit leaves. @throws NotariumError as `openEvidenceChannel`. */
export async function openOnChain(terms: OpenTerms, signer: ChannelSigner): Promise<OpenedChannel> {
  const { rpcUrl, url, amount, folder, signal } = terms;
  const contract = terms.contract.toLowerCase() as Address;
  const answer = await verifierTerms(url, signal);
  const asked = readTerms(answer);
  if (answer.network.contract !== contract) {
    throw new NotariumError('channel-invalid', 'the verifier works with another contract', {
      data: { have: answer.network.contract, want: contract },
    });
  }
  const { prices, safetySeconds, billSeconds } = asked;
  const challengeSeconds = terms.challengeSeconds ?? asked.challengeSeconds.least;
  const token = (terms.token ?? coin).toLowerCase() as Address;
  checkTerms(asked, { token, amount, challengeSeconds });
  const chain = await openChannelChain({
    ...{ rpcUrl, contract, signer: transactionSigner(signer), logger: silentLogger },
    ...(signal ? { signal } : {}),
  });
  try {
    const salt = randomBytes(8).readBigUInt64BE();
    const channel = { verifier: answer.verifier, token, amount, challengeSeconds, salt };
    const { network } = chain;
    const whole = { requester: signer.address, ...channel };
    const id = channelIdOf(network, whole);
    await mkdir(channelFolder(folder, id), { recursive: true, mode: 0o700 });
    await writeAgreed(folder, id, {
      ...{ url, network, channel: whole, openedAt: new Date().toISOString() },
      ...{ prices, safetySeconds, billSeconds },
    });
    try {
      const { channelId, transactionHash } = await chain.open(channel, signal ? { signal } : {});
      return { channelId, channel: whole, transactionHash };
    } catch (error) {
      if (!isNotariumError(error) || !unpaid.has(error.code)) throw error;
      await rm(channelFolder(folder, id), { recursive: true, force: true });
      if (error.code !== 'chain-funds-missing') throw error;
      throw new NotariumError('chain-funds-missing', `${signer.address} cannot pay the deposit and its gas`, {
        data: { account: signer.address, amount: `${amount}`, token },
        cause: error,
      });
    }
  } finally {
    chain.close();
  }
}
