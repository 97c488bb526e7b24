import { randomBytes } from 'node:crypto';
import { buildAggregate } from '../../../../services/core/aggregate.ts';
import { concat, fromHex, type Hash, hexDigits, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { type Bill, billDigest, keyHashOf } from '../../../../services/core/channels/bill.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../../../services/core/channels/channel.ts';
import type { ChannelReceipt } from '../../../../services/core/channels/channelReceipt.ts';
import { firstLedger, nextLedger, stateOf } from '../../../../services/core/channels/ledger.ts';
import { stateDigest } from '../../../../services/core/channels/state.ts';
import {
  compressedPublicKey,
  type Statement,
  type StatementRole,
  statementDigest,
} from '../../../../services/core/channels/statement.ts';
import { memoryTree } from '../../../../services/core/log/memoryTree.ts';
import { leafHash, sha256 } from '../../../../services/core/sha256.ts';
import type { Signer } from '../../../../services/core/signature.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';

const crypto = await loadCrypto();

/** One side of a channel, with its key. */
export type Party = Signer & { readonly publicKey: Uint8Array };

/** A side with a key made for the test. */
export function randomParty(): Party {
  const key = new Uint8Array(randomBytes(32));
  return { ...localSigner(key, crypto), publicKey: compressedPublicKey(crypto.publicKey(key)) };
}

/** A channel with bills that were all paid in one state. */
export type PaidChannel = {
  readonly network: ChannelNetwork;
  readonly channel: Channel;
  readonly requester: Party;
  readonly verifier: Party;
  readonly receipts: readonly ChannelReceipt[];
  /** A receipt for each member of the last bill, a batch. */
  readonly members: readonly ChannelReceipt[];
  /** What the last bill's members are, and the contents of the others. */
  readonly contents: readonly Uint8Array[];
  readonly batch: readonly Uint8Array[];
};

/** A statement of a side on a bill. */
export async function statementOf(
  network: ChannelNetwork,
  party: Party,
  bill: Bill,
  role: StatementRole,
  locator = '',
): Promise<Statement> {
  const signature = toHex(await party.sign(statementDigest(network, bill, { role, locator })));
  return { role, locator, publicKey: toHex(party.publicKey), signature };
}

/** Pays `count` single bills and a batch of five in a new channel, and makes all receipts. */
export async function paidChannel(count = 6): Promise<PaidChannel> {
  const network: ChannelNetwork = { chainId: 31_337, contract: `0x${'c1'.repeat(20)}` as const };
  const [requester, verifier] = [randomParty(), randomParty()];
  const channel: Channel = {
    requester: requester.address,
    verifier: verifier.address,
    token: `0x${'00'.repeat(20)}` as const,
    amount: 10n ** 18n,
    challengeSeconds: 3600,
    salt: 7n,
  };
  const channelId = channelIdOf(network, channel);
  const contents = Array.from({ length: count }, (_, index) => utf8(`evidence ${index}`));
  const batch = Array.from({ length: 5 }, (_, index) => utf8(`member ${index}`));
  const aggregate = buildAggregate(concat(...batch.map((bytes) => sha256(bytes))));
  const keys: Hash[] = [];
  const billOf = (digest: Uint8Array, billCount: number): Bill => {
    const key = toHex(randomBytes(32));
    keys.push(key);
    const id = toHex(randomBytes(32));
    const expiry = 2_000_000_000;
    return { id, channelId, digest: toHex(digest), count: billCount, amount: 1000n, expiry, keyHash: keyHashOf(key) };
  };
  const bills = [...contents.map((bytes) => billOf(sha256(bytes), 1)), billOf(aggregate.root, batch.length)];
  const change = { held: channel.amount, folds: [], drops: [], adds: [] };
  const locked = nextLedger(firstLedger(channel.amount), { ...change, version: 1, adds: bills });
  const state = stateOf(nextLedger(locked, { ...change, version: 2, folds: bills.map(({ id }) => id) }));
  const toSign = stateDigest(network, channelId, state);
  const signed = {
    state,
    requesterSignature: toHex(await requester.sign(toSign)),
    verifierSignature: toHex(await verifier.sign(toSign)),
  };
  const tree = memoryTree(concat(...bills.map(({ digest }) => leafHash(fromHex(digest)))));
  const receipts = await Promise.all(
    bills.map(
      async (bill, leafIndex): Promise<ChannelReceipt> => ({
        format: 'notarium-channel-receipt/1',
        network,
        channel,
        bill,
        billSignature: toHex(await verifier.sign(billDigest(network, bill))),
        key: keys[leafIndex]!,
        statements: [
          await statementOf(network, verifier, bill, 'verifier'),
          await statementOf(network, requester, bill, 'requester'),
        ],
        proof: { leafIndex, treeSize: tree.size, path: tree.path(leafIndex).map(hexDigits) },
        root: state.evidenceRoot,
        state: signed,
      }),
    ),
  );
  const members = batch.map((_, leafIndex) => ({
    ...receipts.at(-1)!,
    inner: { leafIndex, treeSize: batch.length, path: aggregate.proofOf(leafIndex) },
  }));
  return { network, channel, requester, verifier, receipts, members, contents, batch };
}
