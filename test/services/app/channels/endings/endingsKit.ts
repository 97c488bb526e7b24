import { expect } from 'chai';
import { chainFacts } from '../../../../../services/app/channels/chainFacts.ts';
import { readEvidencePolicy } from '../../../../../services/app/channels/evidence/evidencePolicy.ts';
import { loadEvidenceTree, makeChannelReceipt } from '../../../../../services/app/channels/makeChannelReceipt.ts';
import { Requester } from '../../../../../services/app/channels/Requester.ts';
import type { EvidenceItem, PreservedBill } from '../../../../../services/app/channels/RequesterParts.ts';
import { Settlement } from '../../../../../services/app/channels/Settlement.ts';
import type { SettlementSettings } from '../../../../../services/app/channels/SettlementParts.ts';
import { requesterSide } from '../../../../../services/app/channels/settlementSides.ts';
import type { VerifierApi } from '../../../../../services/app/channels/VerifierApi.ts';
import type { ChannelChain } from '../../../../../services/chain/channels/ChannelChain.ts';
import { type Address, concat, fromHex, type Hash, toHex, utf8 } from '../../../../../services/core/bytes.ts';
import { type Channel, channelIdOf } from '../../../../../services/core/channels/channel.ts';
import type { ChannelReceipt } from '../../../../../services/core/channels/channelReceipt.ts';
import { verifyChannelReceipt } from '../../../../../services/core/channels/verifyChannelReceipt.ts';
import { sha256 } from '../../../../../services/core/sha256.ts';
import { billKeys } from '../../../../../services/lib/billKeys.ts';
import { channelSigner } from '../../../../../services/lib/channelSigner.ts';
import { type Clock, systemClock } from '../../../../../services/lib/clock.ts';
import { every } from '../../../../../services/lib/every.ts';
import { silentLogger } from '../../../../../services/lib/logger.ts';
import { loadCrypto } from '../../../../../services/lib/nativeCrypto.ts';
import { openVerifier, type RunningVerifier } from '../../../../../services/main/openVerifier.ts';
import type { ChannelStore } from '../../../../../services/store/channels/ChannelStore.ts';
import { openChannelStore } from '../../../../../services/store/channels/openChannelStore.ts';
import { devKey, startChain } from '../../../../support/chains.ts';
import { temporaryFolder } from '../../../../support/temporaryFolder.ts';
import { until } from '../../../../support/until.ts';
import { type ChannelTestKit, channelTestKit, coin } from '../../../chain/channels/channelKit.ts';

const crypto = await loadCrypto();

/** What one piece of evidence costs here. */
export const price = 10n;
/** What every channel is opened with. */
export const deposit = 1_000n;
/** How long a bill can be paid; a quarter of it is the safety before its expiry. */
export const billSeconds = 480;
export const safetySeconds = billSeconds / 4;
export const challengeSeconds = 3_600;
/** A verifier ends a channel that is so old. */
export const closingAgeSeconds = 6 * 3_600;

const policy = {
  prices: { perItem: String(price), perMebibyte: '0' },
  billSeconds,
  challengeSeconds: { least: 60, most: 86_400 },
  closing: { ageSeconds: closingAgeSeconds },
};
const settings: Partial<SettlementSettings> = { retrySeconds: 0, togetherSeconds: 60, askAgainSeconds: 5 };

/** A requester as `notarium channel` assembles it: its exchange, its duties on chain, its folder. */
export type RequesterProcess = {
  readonly requester: Requester;
  readonly settlement: Settlement;
  readonly store: ChannelStore;
  /** The receipt of a content by its own records; undefined where it has not all of it. */
  receipt(digest: Hash): Promise<ChannelReceipt | undefined>;
  stop(): Promise<void>;
};

/** A verifier as `notarium verifier` opens it. */
export type VerifierProcess = Pick<RunningVerifier, 'desk'> & { stop(): Promise<void> };

/** A real chain whose time is the clock of both sides, the contract, and folders. */
export type EndingsKit = AsyncDisposable & {
  readonly chain: ChannelTestKit;
  readonly rpcUrl: string;
  readonly folder: string;
  readonly clock: Clock;
  /** Time goes on for the chain and all clocks. */
  pass(seconds: number): Promise<void>;
  /**
   * A verifier by a development account, as `notarium verifier` opens it on its folder.
   * @param more Of its policy.
   * @param seenBy What stands between it and the chain; nothing without.
   */
  verifier(
    account: number,
    name: string,
    more?: object,
    seenBy?: (chain: ChannelChain) => ChannelChain,
  ): Promise<VerifierProcess>;
  /** Development account 0 opens a channel with a verifier. */
  open(verifierAccount: number, token?: Address): Promise<Channel>;
  requester(channel: Channel, name: string, api: VerifierApi): Promise<RequesterProcess>;
  idOf(channel: Channel): Hash;
  keyOf(verifierAccount: number): (channelId: Hash, billId: Hash) => Hash;
};

export async function endingsKit(): Promise<EndingsKit> {
  const node = await startChain({ kind: 'anvil' });
  const chain = await channelTestKit(node.rpcUrl);
  const folder = await temporaryFolder();
  const senders = new Map([[0, chain.requester], [1, chain.verifier]]); // biome-ignore format: a table
  const running = new Set<() => Promise<void>>();
  const stopping = <T extends { stop(): Promise<void> }>(opened: T): T => {
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      running.delete(stop);
      stopped ??= opened.stop();
      return stopped;
    };
    running.add(stop);
    return { ...opened, stop };
  };
  let passedMs = 0;
  let salt = 1n << 32n;
  const clock: Clock = {
    nowMs: () => Date.now() + passedMs,
    // Short waits are shorter here: what they wait for is all on this machine.
    sleep: (ms, signal) => systemClock.sleep(ms > 10_000 ? ms : Math.min(ms, 40), signal),
  };
  const senderOf = async (account: number): Promise<ChannelChain> => {
    const sender = senders.get(account) ?? (await chain.as(account));
    senders.set(account, sender);
    return sender;
  };
  return {
    chain,
    rpcUrl: node.rpcUrl,
    folder: folder.path,
    clock,
    async pass(seconds) {
      passedMs += 1000 * seconds;
      await chain.rpc('evm_increaseTime', [seconds]);
      await chain.rpc('evm_mine', []);
    },
    async verifier(account, name, more = {}, seenBy = (seen) => seen) {
      const opened = await openVerifier({
        ...{
          dataDir: `${folder.path}/${name}`,
          policy: readEvidencePolicy(JSON.stringify({ ...policy, ...more })),
          privateKey: devKey(account),
        },
        ...{ chain: seenBy(await senderOf(account)), confirmations: 1, crypto, logger: silentLogger, clock },
        settlement: settings,
      });
      return stopping({ desk: opened.desk, stop: () => opened.close() });
    },
    async open(account, token = coin) {
      const terms = { verifier: (await senderOf(account)).account!, token, amount: deposit, challengeSeconds };
      return (await chain.requester.open({ ...terms, salt: salt++ })).channel;
    },
    requester: async (channel, name, api) =>
      stopping(await openRequester({ channel, folder: `${folder.path}/${name}`, api, chain: chain.requester, clock })),
    idOf: (channel) => channelIdOf(chain.deployed.network, channel),
    keyOf: (account) => billKeys(devKey(account)),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.values()].map((stop) => stop()));
      chain.close();
      await node.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function openRequester(place: {
  readonly channel: Channel;
  readonly folder: string;
  readonly api: VerifierApi;
  readonly chain: ChannelChain;
  readonly clock: Clock;
}): Promise<RequesterProcess> {
  const { channel, folder, api, chain, clock } = place;
  const { network } = chain;
  const channelId = channelIdOf(network, channel);
  const store = await openChannelStore({ dataDir: folder, logger: silentLogger });
  const requester = await Requester.open({
    ...{ network, channel, signer: channelSigner(devKey(0), crypto), store, chain: chainFacts(chain, 1), api },
    touch: (id) => settlement.touch(id),
    settings: { safetySeconds, maxLockSeconds: 2 * billSeconds, retryMs: 20, maxRetryMs: 100 },
    ...{ crypto, clock, logger: silentLogger },
  });
  const side = requesterSide(requester, { folder, store, openedAt: async () => 0, logger: silentLogger });
  const settlement: Settlement = new Settlement({ chain, side, logger: silentLogger, clock, settings });
  settlement.start();
  const stop = new AbortController();
  const duties = every(1_000, () => requester.runDuties(), {
    ...{ signal: stop.signal, logger: silentLogger, clock, name: 'duties' },
  });
  return {
    requester,
    settlement,
    store,
    async receipt(digest) {
      const [row] = (await store.billsOf(channelId, digest)).filter((bill) => bill.leafIndex !== undefined);
      if (!row?.key || !row.first || !row.second) return undefined;
      const end = await chain.settlement(channelId);
      const { latest } = requester.memory;
      const size = end?.evidenceCount ?? latest?.state.evidenceCount ?? 0;
      const bill = { ...row, leafIndex: row.leafIndex!, key: row.key, first: row.first, second: row.second };
      const leaves = async (from: number, limit: number) =>
        (await store.evidence(channelId, from, limit)).map(({ signed, leafIndex }) => ({
          signed,
          leafIndex: leafIndex!,
        }));
      const settlement = end && { kind: 'settled' as const, ...end.place };
      return makeChannelReceipt({
        ...{ network, channel, bill, tree: await loadEvidenceTree(leaves, size), latest },
        ...(settlement && {
          settlement: {
            kind: 'settled',
            transactionHash: settlement.transactionHash,
            blockNumber: settlement.blockNumber,
          },
        }),
      });
    },
    async stop() {
      stop.abort();
      await duties.done;
      await settlement.close();
      await requester.stop();
      await store.close();
    },
  };
}

/** A content, by a name that is its text. */
export const contentOf = (name: string): Uint8Array => utf8(`evidence ${name}\n`);
export const digestOf = (name: string): Hash => toHex(sha256(contentOf(name)));

/** Uploads a content to a verifier, and says what is to be preserved. */
export async function uploaded(
  { desk }: Pick<VerifierProcess, 'desk'>,
  channelId: Hash,
  name: string,
): Promise<EvidenceItem> {
  const [content, digest] = [contentOf(name), digestOf(name)];
  const declared = { kind: 'content', digest, sizeBytes: content.length } as const;
  const { id } = await desk.uploads.create(channelId, declared);
  await desk.uploads.append(channelId, id, 0, [content]);
  return { uploads: [id], digest, count: 1, maxAmount: price };
}

/** Uploads and preserves one content after the other. */
export async function preserveAll(
  verifier: Pick<VerifierProcess, 'desk'>,
  channelId: Hash,
  { requester }: RequesterProcess,
  names: readonly string[],
): Promise<PreservedBill[]> {
  const done: PreservedBill[] = [];
  for (const name of names) done.push(await requester.preserve(await uploaded(verifier, channelId, name)));
  return done;
}

/** How a channel has ended on chain: paid to the verifier, and pieces of evidence. */
export async function endOf(kit: EndingsKit, channelId: Hash): Promise<{ paid: bigint; count: number }> {
  const end = await until('the channel is settled', () => kit.chain.stranger.settlement(channelId));
  expect(end.requesterPayout + end.verifierPayout, 'all that was paid in goes out').to.equal(deposit);
  return { paid: end.verifierPayout, count: end.evidenceCount };
}

/** Both signatures, both statements, the place in the tree and the chain: a receipt proves the content. */
export const expectProof = (kit: EndingsKit, receipt: ChannelReceipt | undefined, name: string): Promise<void> =>
  expectReceipt(kit, receipt, contentOf(name));

/** As {@link expectProof}, of any content. */
export async function expectReceipt(
  kit: EndingsKit,
  receipt: ChannelReceipt | undefined,
  content: Uint8Array,
): Promise<void> {
  expect(receipt, `a receipt of ${Buffer.from(content)}`).to.not.equal(undefined);
  const { stranger, deployed } = kit.chain;
  const result = await verifyChannelReceipt(receipt!, {
    contentDigest: sha256(content),
    network: deployed.network,
    chainEvidence: async ({ channelId, digest, proof, root }) => ({
      isUnder: await stranger.verifyEvidence(channelId, digest, { ...proof, root, path: proof.path.map(fromHex) }),
    }),
  });
  expect(result.ok, JSON.stringify(result.steps)).to.equal(true);
}

/** The verifier has the content still, byte by byte. */
export async function expectContent(
  { desk }: Pick<VerifierProcess, 'desk'>,
  channelId: Hash,
  name: string,
): Promise<void> {
  const { content } = await desk.content(channelId, digestOf(name));
  const chunks = await content.toArray();
  expect(concat(...chunks)).to.deep.equal(contentOf(name));
}
