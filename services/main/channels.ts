import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { chainFacts } from '../app/channels/chainFacts.ts';
import { type ChannelEnd, EvidenceChannel } from '../app/channels/EvidenceChannel.ts';
import { leavesOf } from '../app/channels/makeChannelReceipt.ts';
import { Requester } from '../app/channels/Requester.ts';
import { Settlement } from '../app/channels/Settlement.ts';
import { requesterSide } from '../app/channels/settlementSides.ts';
import type { ChannelChain } from '../chain/channels/ChannelChain.ts';
import type { ChannelEventOf } from '../chain/channels/ChannelEvent.ts';
import { openChannelChain } from '../chain/channels/openChannelChain.ts';
import type { ActionContext, KnownChannel, OpenChannelOptions, OpenedChannel } from '../cli/CliActions.ts';
import type { Hash } from '../core/bytes.ts';
import { amountSchema, jsonWithAmounts } from '../core/channels/amount.ts';
import { channelIdOf, channelSchema } from '../core/channels/channel.ts';
import { viewOfRequester } from '../core/channels/requesterMemory.ts';
import type { FoldedBill } from '../core/channels/update.ts';
import { NotariumError } from '../core/errors.ts';
import { addressSchema, uintSchema } from '../core/schemas.ts';
import { channelSigner } from '../lib/channelSigner.ts';
import { HttpVerifier, verifierTerms } from '../lib/client/channels/HttpVerifier.ts';
import { systemClock } from '../lib/clock.ts';
import { every } from '../lib/every.ts';
import { localSigner } from '../lib/localSigner.ts';
import { silentLogger } from '../lib/logger.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { writeFileWhole } from '../lib/writeFileWhole.ts';
import type { StoredBill } from '../store/channels/ChannelStore.ts';
import { openChannelStore } from '../store/channels/openChannelStore.ts';
import { required } from './openNode.ts';

const pricesSchema = z.object({ perItem: amountSchema, perMebibyte: amountSchema });

/** What of a verifier's terms a requester goes by. */
const termsSchema = z.object({
  prices: pricesSchema,
  safetySeconds: uintSchema,
  billSeconds: uintSchema,
  challengeSeconds: z.object({ least: uintSchema, most: uintSchema }),
});

/** `channel.json` in the folder of a channel: what was agreed on when it was opened. */
const agreedSchema = z.object({
  url: z.string(),
  network: z.object({ chainId: uintSchema, contract: addressSchema }),
  channel: channelSchema,
  openedAt: z.string(),
  prices: pricesSchema,
  safetySeconds: uintSchema,
  billSeconds: uintSchema,
});
type Agreed = z.output<typeof agreedSchema>;

const dutyMs = 1_000;

const folderOf = ({ settings }: ActionContext): string => join(settings.data, 'requester');

/** Opens a channel on chain; its terms are on disk before the deposit leaves. */
export async function openChannelByAction(context: ActionContext, options: OpenChannelOptions): Promise<OpenedChannel> {
  const { settings, signal } = context;
  const { url, amount, token, privateKey } = options;
  const contract = required(settings.channels, 'the contract EvidenceChannels that you trust', '--channels ADDRESS');
  const answer = await verifierTerms(url, signal);
  const terms = termsSchema.safeParse(answer);
  if (!terms.success) throw new NotariumError('server-answer-invalid', 'the terms of the verifier cannot be read');
  if (answer.network.contract !== contract) {
    throw new NotariumError('channel-invalid', 'the verifier works with another contract', {
      data: { have: answer.network.contract, want: contract },
    });
  }
  const { prices, safetySeconds, billSeconds, challengeSeconds } = terms.data;
  const chain = await openChain(context, privateKey);
  try {
    const salt = randomBytes(8).readBigUInt64BE();
    const chosen = options.challengeSeconds ?? challengeSeconds.least;
    const channel = { verifier: answer.verifier, token, amount, challengeSeconds: chosen, salt };
    const { network } = chain;
    const whole = { requester: chain.account!, ...channel };
    const agreed: Agreed = {
      ...{ url, network, channel: whole, openedAt: new Date().toISOString() },
      ...{ prices, safetySeconds, billSeconds },
    };
    const folder = join(folderOf(context), channelIdOf(network, whole));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileWhole(join(folder, 'channel.json'), `${jsonWithAmounts(agreed)}\n`);
    const { channelId, transactionHash } = await chain.open(channel, { signal });
    return { channelId, channel: whole, transactionHash };
  } finally {
    chain.close();
  }
}

/** Channels that were opened from the data folder, the oldest first. */
export async function knownChannels(context: ActionContext): Promise<readonly KnownChannel[]> {
  const folder = folderOf(context);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new NotariumError('file-unreadable', folder, { data: { path: folder }, cause: error });
  });
  const known = await Promise.all(
    names
      .filter((name) => /^0x[0-9a-f]{64}$/.test(name))
      .map(async (name) => ({ channelId: name as Hash, ...(await readAgreed(context, name as Hash)) })),
  );
  return known.sort((a, b) => a.openedAt.localeCompare(b.openedAt));
}

async function readAgreed(context: ActionContext, channelId: Hash): Promise<Agreed> {
  const path = join(folderOf(context), channelId, 'channel.json');
  try {
    return agreedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new NotariumError('channel-unknown', `${path} cannot be read`, { data: { channelId }, cause });
  }
}

/** Works with a channel; see `ChannelActions.use`. */
export async function useChannel<T>(
  context: ActionContext,
  { channelId, privateKey }: { readonly channelId: Hash; readonly privateKey: Uint8Array },
  work: (channel: EvidenceChannel) => Promise<T>,
): Promise<T> {
  const agreed = await readAgreed(context, channelId);
  const { url, network, channel, prices, safetySeconds, billSeconds } = agreed;
  const folder = join(folderOf(context), channelId);
  const logger = silentLogger;
  const crypto = await loadCrypto();
  const signer = channelSigner(privateKey, crypto);
  if (signer.address !== channel.requester) {
    throw new NotariumError('key-missing', 'the channel was opened with another key', {
      data: { have: signer.address, want: channel.requester },
    });
  }
  await using opened = new AsyncDisposableStack();
  const chain = await openChain(context, privateKey, network.contract);
  opened.defer(() => chain.close());
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
  const settlement = new Settlement({ chain, side, logger });
  settlement.start();
  opened.defer(() => settlement.close());
  const stop = new AbortController();
  const duties = every(dutyMs, () => requester.runDuties(), { signal: stop.signal, logger, name: 'channel duties' });
  opened.defer(async () => {
    stop.abort();
    await duties.done;
  });
  const evidenceChannel = await EvidenceChannel.open({
    ...{ url, network, channelId, channel, prices, folder, verifier, leaves: leavesOf(store, channelId) },
    preserve: (item) => requester.preserve(item),
    resume: (item) => requester.resume(item),
    view: async () => viewOfRequester(requester.party, requester.memory),
    leafOf: async (digest) =>
      (await store.billsOf(digest)).filter((bill) => bill.channelId === channelId).flatMap(folded)[0],
    async findEnd() {
      const settled = await chain.settlement(channelId);
      return settled && endOf(settled);
    },
    end: async (how) => endOf(await settlement.end(channelId, how, context.signal)),
  });
  return await work(evidenceChannel);
}

function folded({ signed, key, first, second, leafIndex }: StoredBill): FoldedBill[] {
  return key && first && second && leafIndex !== undefined ? [{ leafIndex, signed, key, first, second }] : [];
}

function endOf({ place, evidenceCount, requesterPayout, verifierPayout }: ChannelEventOf<'settled'>): ChannelEnd {
  const { transactionHash, blockNumber } = place;
  return { transactionHash, blockNumber, evidenceCount, requesterPayout, verifierPayout };
}

async function openChain(
  { settings, signal }: ActionContext,
  privateKey: Uint8Array,
  contract = required(settings.channels, 'the contract EvidenceChannels', '--channels ADDRESS'),
): Promise<ChannelChain> {
  return await openChannelChain({
    rpcUrl: required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL'),
    contract,
    signer: localSigner(privateKey, await loadCrypto()),
    logger: silentLogger,
    signal,
  });
}
