import { chainFacts } from '../../app/channels/chainFacts.ts';
import { type ChannelEnd, EvidenceChannel } from '../../app/channels/EvidenceChannel.ts';
import { leavesOf } from '../../app/channels/makeChannelReceipt.ts';
import { Requester } from '../../app/channels/Requester.ts';
import { Settlement } from '../../app/channels/Settlement.ts';
import { requesterSide } from '../../app/channels/settlementSides.ts';
import type { ChannelEventOf } from '../../chain/channels/ChannelEvent.ts';
import { openChannelChain } from '../../chain/channels/openChannelChain.ts';
import type { Hash } from '../../core/bytes.ts';
import { viewOfRequester } from '../../core/channels/requesterMemory.ts';
import type { FoldedBill } from '../../core/channels/update.ts';
import { NotariumError } from '../../core/errors.ts';
import { HttpVerifier } from '../../lib/client/channels/HttpVerifier.ts';
import { systemClock } from '../../lib/clock.ts';
import { every } from '../../lib/every.ts';
import { silentLogger } from '../../lib/logger.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import type { StoredBill } from '../../store/channels/ChannelStore.ts';
import { openChannelStore } from '../../store/channels/openChannelStore.ts';
import { lockFolder } from '../../store/folderLock.ts';
import { channelFolder, noteSettled, readAgreed, writeAgreed } from './agreed.ts';
import { agreeToClose } from './agreeToClose.ts';
import { type RequesterKey, signerOf, transactionSigner } from './requesterKey.ts';

/** What `useEvidenceChannel` needs. */
export type UseEvidenceChannelOptions = RequesterKey & {
  /** JSON-RPC of the chain. */
  readonly rpcUrl: string;
  /** The one that it was opened from. */
  readonly folder: string;
  readonly channelId: Hash;
  /** How long `close` waits for a verifier that does not answer; a minute by default. */
  readonly agreementMs?: number | undefined;
  /** Ends waiting for the chain; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
};

const dutyMs = 1_000;
/** Where the verifier has asked for the end, it hands it in. */
const otherFirstSeconds = 15;
const defaultAgreementMs = 60_000;

/** See `useEvidenceChannel` of the library. */
export async function runEvidenceChannel(options: UseEvidenceChannelOptions): Promise<EvidenceChannel> {
  const { rpcUrl, channelId, agreementMs = defaultAgreementMs, signal } = options;
  const crypto = await loadCrypto();
  const signer = signerOf(options, crypto);
  const agreed = await readAgreed(options.folder, channelId);
  const { url, network, channel, prices, safetySeconds, billSeconds } = agreed;
  const folder = channelFolder(options.folder, channelId);
  const logger = silentLogger;
  if (signer.address !== channel.requester) {
    throw new NotariumError('key-missing', 'the channel was opened with another key', {
      data: { have: signer.address, want: channel.requester },
    });
  }
  await using opened = new AsyncDisposableStack();
  const lock = lockFolder(folder);
  opened.defer(() => lock.release());
  const chain = await openChannelChain({
    ...{ rpcUrl, contract: network.contract, chainId: network.chainId, signer: transactionSigner(signer), logger },
    ...(signal ? { signal } : {}),
  });
  opened.defer(() => chain.close());
  if (agreed.transactionHash === undefined) {
    const opening = await chain.opening(channelId);
    if (!opening) throw new NotariumError('channel-not-opened', undefined, { data: { channelId } });
    await writeAgreed(options.folder, channelId, { ...agreed, transactionHash: opening.place.transactionHash });
  }
  const store = await openChannelStore({ dataDir: folder, logger });
  opened.defer(() => store.close());
  const verifier = new HttpVerifier({ url, network, channelId, sign: signer.sign });
  const requester = await Requester.open({
    ...{ network, channel, signer, store, chain: chainFacts(chain, 1), api: verifier },
    touch: (id) => settlement.touch(id),
    settings: { safetySeconds, maxLockSeconds: 2 * billSeconds, retryMs: 250, maxRetryMs: 10_000 },
    ...{ crypto, clock: systemClock, logger },
  });
  opened.defer(() => requester.stop());
  const openedAt = async (id: Hash): Promise<number> => (await chain.opening(id))?.place.timestamp ?? 0;
  const side = requesterSide(requester, { folder, store, openedAt, logger });
  const settlement = new Settlement({ chain, side, logger, settings: { otherFirstSeconds } });
  settlement.start();
  opened.defer(() => settlement.close());
  const stop = new AbortController();
  const duties = every(dutyMs, () => requester.runDuties(), { signal: stop.signal, logger, name: 'channel duties' });
  opened.defer(async () => {
    stop.abort();
    await duties.done;
  });
  const running: { parts?: AsyncDisposableStack } = {};
  const evidenceChannel = await EvidenceChannel.open({
    ...{ url, network, channelId, channel, prices, folder, verifier, leaves: leavesOf(store, channelId), signal },
    preserve: (item) => requester.preserve(item),
    resume: (item) => requester.resume(item),
    recover: (beforeKept) => requester.recover(beforeKept),
    view: async () => viewOfRequester(requester.party, requester.memory),
    leafOf: async (digest) => (await store.billsOf(channelId, digest)).flatMap(folded)[0],
    async deposit(amount) {
      const held = await chain.held(channel);
      const { transactionHash } = await chain.deposit(channel, amount, held, signal ? { signal } : {});
      await requester.onChain({ kind: 'deposited', channelId, held: held + amount });
      return { transactionHash, held: held + amount };
    },
    async findEnd() {
      const settled = await chain.settlement(channelId);
      if (settled) await noteSettled(options.folder, channelId);
      return settled && endOf(settled);
    },
    async end(how) {
      if (how === 'together') await agreeToClose(requester, agreementMs, signal);
      const end = endOf(await settlement.end(channelId, how, signal));
      await noteSettled(options.folder, channelId);
      return end;
    },
    stop: async () => await running.parts?.disposeAsync(),
  });
  running.parts = opened.move();
  return evidenceChannel;
}

function folded({ signed, key, first, second, leafIndex }: StoredBill): FoldedBill[] {
  return key && first && second && leafIndex !== undefined ? [{ leafIndex, signed, key, first, second }] : [];
}

function endOf({ place, evidenceCount, requesterPayout, verifierPayout }: ChannelEventOf<'settled'>): ChannelEnd {
  const { transactionHash, blockNumber } = place;
  return { transactionHash, blockNumber, evidenceCount, requesterPayout, verifierPayout };
}
