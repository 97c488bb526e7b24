import type { ChannelChain } from '../../../../services/chain/channels/ChannelChain.ts';
import { type ChannelChainOptions, openChannelChain } from '../../../../services/chain/channels/openChannelChain.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { type JsonRpc, jsonRpc } from '../../../../services/lib/jsonRpc.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import {
  type DeployedChannels,
  deployChannels,
  devSigner,
  type SignedHistory,
  signedHistory,
} from '../../../support/channels.ts';

export const coin = `0x${'0'.repeat(40)}` as Address;
export const ether = 10n ** 18n;

/** A fresh deployment for one test: the requester is development account 0, the verifier 1, a stranger 2. */
export type ChannelTestKit = {
  readonly deployed: DeployedChannels;
  readonly rpc: JsonRpc;
  readonly requester: ChannelChain;
  readonly verifier: ChannelChain;
  readonly stranger: ChannelChain;
  as(account: number, options?: Partial<ChannelChainOptions>): Promise<ChannelChain>;
  /** A channel that is open on chain, and both sides' pens. */
  opened(changes?: { amount?: bigint; token?: Address; challengeSeconds?: number }): Promise<SignedHistory>;
  /** Chain time, Unix seconds. */
  now(): Promise<number>;
  /** Mines a block with this time. */
  moveTo(seconds: number): Promise<void>;
  close(): void;
};

export async function channelTestKit(
  rpcUrl: string,
  options: Partial<ChannelChainOptions> = {},
): Promise<ChannelTestKit> {
  const deployed = await deployChannels(rpcUrl);
  const rpc = jsonRpc(rpcUrl);
  const all: ChannelChain[] = [];
  const { contract } = deployed.network;
  const as: ChannelTestKit['as'] = async (account, more = {}) => {
    const signer = devSigner(account);
    const chain = await openChannelChain({ rpcUrl, contract, signer, logger: silentLogger, ...options, ...more });
    all.push(chain);
    return chain;
  };
  const [requester, verifier, stranger] = [await as(0), await as(1), await as(2)];
  let salt = 0n;
  return {
    deployed,
    rpc,
    requester,
    verifier,
    stranger,
    as,
    async opened({ amount = ether, token = coin, challengeSeconds = 3_600 } = {}) {
      const terms = { verifier: verifier.account!, token, amount, challengeSeconds, salt: salt++ };
      const { channel } = await requester.open(terms);
      return signedHistory(deployed.network, channel, devSigner(0), devSigner(1));
    },
    now: async () => (await requester.newestBlock()).timestamp,
    async moveTo(seconds) {
      await rpc('evm_setNextBlockTimestamp', [seconds]);
      await rpc('evm_mine', []);
    },
    close() {
      for (const chain of all) chain.close();
    },
  };
}
