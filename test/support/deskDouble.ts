import { Readable } from 'node:stream';
import type { ChannelDesk } from '../../services/app/channels/ChannelDesk.ts';
import { type Hash, toHex } from '../../services/core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../services/core/channels/channel.ts';
import { channelIdOf } from '../../services/core/channels/channel.ts';
import type { ChannelReceipt } from '../../services/core/channels/channelReceipt.ts';
import type { ChannelView, FoldedBill } from '../../services/core/channels/update.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { compactSignature } from '../../services/core/signature.ts';
import { systemClock } from '../../services/lib/clock.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { Uploads } from '../../services/store/channels/Uploads.ts';

const crypto = await loadCrypto();
const requesterKey = new Uint8Array(32).fill(7);

const repeated = (byte: string, count: number): `0x${string}` => `0x${byte.repeat(count)}`;

/** Chain and contract of the double. */
export const doubleNetwork: ChannelNetwork = { chainId: 31337, contract: repeated('c1', 20) };

/** Signs as the requester of {@link doubleChannel}. */
export function signAsRequester(digest: Uint8Array): `0x${string}` {
  return toHex(compactSignature(crypto.sign(digest, requesterKey)));
}

/** Signs as somebody else. */
export function signAsStranger(digest: Uint8Array): `0x${string}` {
  return toHex(compactSignature(crypto.sign(digest, new Uint8Array(32).fill(8))));
}

/** The one channel that the double knows. */
export const doubleChannel: Channel = {
  requester: toHex(crypto.keccak256(crypto.publicKey(requesterKey).subarray(1)).subarray(12)),
  verifier: repeated('fe', 20),
  token: repeated('00', 20),
  // More than a JSON number can hold.
  amount: 2n ** 100n,
  challengeSeconds: 3600,
  salt: 2n ** 63n,
};

/** Its id. */
export const doubleChannelId: Hash = channelIdOf(doubleNetwork, doubleChannel);

/** What the double was asked, in order. */
export type DeskDouble = ChannelDesk & { readonly asked: [string, ...unknown[]][]; view: ChannelView };

/**
 * A verifier that verifies nothing: it answers with what it is told, so that the tests of HTTP see what goes in and out. What a verifier
 * does is tested with the real one. Its uploads are real.
 */
export async function deskDouble(uploadsFolder: string): Promise<DeskDouble> {
  const asked: DeskDouble['asked'] = [];
  const content = Buffer.from('evidence\n');
  const contentDigest = toHex(crypto.sha256(content));
  const desk: DeskDouble = {
    asked,
    view: {
      ...{ channelId: doubleChannelId, status: 'open', held: doubleChannel.amount, latest: null },
      ...{ locks: [], peaks: [], disclosures: [], cancelled: [], closing: null },
    },
    terms: () => ({ network: doubleNetwork, verifier: doubleChannel.verifier, price: 12n }),
    known: async () => undefined,
    async accept(channelId) {
      asked.push(['accept', channelId]);
      if (channelId !== doubleChannelId) throw new NotariumError('channel-unknown');
      return doubleChannel;
    },
    async channel() {
      return desk.view;
    },
    async show(_channelId, view) {
      asked.push(['show', view]);
      desk.view = view;
      return view;
    },
    async bills(channelId, requests) {
      asked.push(['bills', channelId, requests]);
      return requests.map(({ digest, count }) => ({
        signed: {
          bill: {
            ...{ id: repeated('11', 32), channelId, digest, count, amount: 2n ** 90n },
            ...{ expiry: 2_000_000_000, keyHash: repeated('22', 32) },
          },
          signature: repeated('33', 64),
        },
      }));
    },
    async withdraw(channelId, billId) {
      asked.push(['withdraw', channelId, billId]);
    },
    async update(update) {
      asked.push(['update', update]);
      if (update.baseVersion !== 0) throw new NotariumError('channel-base-stale', undefined, { data: { version: 0 } });
      return { signature: repeated('44', 64), disclosures: [] };
    },
    async close(request) {
      asked.push(['close', request]);
      return { signature: repeated('55', 64) };
    },
    async evidence(_channelId, from, limit) {
      asked.push(['evidence', from, limit]);
      return [] as FoldedBill[];
    },
    async receipt(_channelId, digest): Promise<ChannelReceipt> {
      throw new NotariumError('evidence-not-found', undefined, { data: { digest } });
    },
    async content(_channelId, digest, key) {
      asked.push(['content', digest, key]);
      if (digest !== contentDigest) throw new NotariumError('evidence-not-found');
      return { content: Readable.from([content]), sizeBytes: content.length };
    },
    uploads: await Uploads.open({
      folder: uploadsFolder,
      limits: { uploadBytes: 1 << 30, itemCount: 1000, openUploads: 8, openBytes: 1 << 30, idleMs: 60_000 },
      clock: systemClock,
    }),
    async problems() {
      return [];
    },
  };
  return desk;
}
