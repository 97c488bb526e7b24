import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAggregate, type InnerProof } from '../../core/aggregate.ts';
import { concat, fromHex, type Hash } from '../../core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import type { ChannelReceipt } from '../../core/channels/channelReceipt.ts';
import type { ChannelView, FoldedBill } from '../../core/channels/update.ts';
import { errorTable, isNotariumError, NotariumError } from '../../core/errors.ts';
import type { MemoryTree } from '../../core/log/memoryTree.ts';
import type { HttpVerifier } from '../../lib/client/channels/HttpVerifier.ts';
import { sendUpload } from '../../lib/client/channels/sendUpload.ts';
import { fileSource, packSource, type UploadSource } from '../../lib/client/channels/uploadSource.ts';
import { unlessAborted } from '../../lib/unlessAborted.ts';
import { loadEvidenceTree, makeChannelReceipt, type ReadLeaves } from './makeChannelReceipt.ts';
import { type AgreedPrices, mostFor } from './prices.ts';
import { eachEvidence, type Sendables } from './send/evidence.ts';
import { fetchPackMembers } from './send/packMembers.ts';
import type { SendItem } from './send/planItems.ts';
import { SendLedger } from './send/SendLedger.ts';
import { SendQueue } from './send/SendQueue.ts';
import { sendEach } from './send/sendEach.ts';
import { type FileToSend, type SentOutcome, sendFiles } from './send/sendFiles.ts';
import { writeReceipts } from './send/writeReceipts.ts';

/** How a channel ended. */
export type ChannelEnd = {
  readonly transactionHash: Hash;
  readonly blockNumber: number;
  readonly evidenceCount: number;
  readonly requesterPayout: bigint;
  readonly verifierPayout: bigint;
};

/** What was paid into a channel. */
export type ChannelDeposit = { readonly transactionHash: Hash; readonly held: bigint };

/** Where a channel stands, for people. */
export type EvidenceChannelStatus = {
  readonly channelId: Hash;
  readonly url: string;
  readonly channel: Channel;
  /** `settled` by the chain, else as this side has it. */
  readonly status: ChannelView['status'];
  readonly version: number;
  readonly held: bigint;
  readonly requesterBalance: bigint;
  readonly verifierBalance: bigint;
  readonly openLocks: number;
  readonly evidenceCount: number;
  readonly end?: ChannelEnd | undefined;
};

/** What an evidence channel of ours works with. */
export type EvidenceChannelParts = {
  readonly url: string;
  readonly network: ChannelNetwork;
  readonly channelId: Hash;
  readonly channel: Channel;
  readonly prices: AgreedPrices;
  /** Holds what was sent. */
  readonly folder: string;
  readonly verifier: HttpVerifier;
  /** Waits for evidence that an earlier run has got a bill for; undefined where there is none. */
  readonly resume: (item: { digest: Hash; count: number }) => Promise<unknown> | undefined;
  /** Gets a bill, pays it, and resolves when its digest is in a state that both have signed. */
  readonly preserve: (item: {
    uploads: readonly string[];
    digest: Hash;
    count: number;
    maxAmount: bigint;
  }) => Promise<unknown>;
  /** Fetches paid bills that are missing here. @throws NotariumError `channel-evidence-mismatch`, those of the verifier. */
  readonly recover: (beforeKept: (bills: readonly FoldedBill[]) => Promise<void>) => Promise<unknown>;
  /** What this side has. */
  readonly view: () => Promise<ChannelView>;
  /** Paid bills, as leaves of the evidence tree. */
  readonly leaves: ReadLeaves;
  /** The leaf with a bill's digest. */
  readonly leafOf: (digest: Hash) => Promise<FoldedBill | undefined>;
  /** Pays more in, and waits for that. */
  readonly deposit: (amount: bigint) => Promise<ChannelDeposit>;
  /** How it ended, by the chain. */
  readonly findEnd: () => Promise<ChannelEnd | undefined>;
  /** Ends it on chain and waits for that. */
  readonly end: (how: 'together' | 'alone') => Promise<ChannelEnd>;
  /** Ends what is being sent. */
  readonly signal?: AbortSignal | undefined;
  /** Releases what it works with. */
  readonly stop: () => Promise<void>;
};

/** How contents are sent. */
export type SendOptions = {
  /** Where `writeReceipts` puts the receipt of a file, by its absolute path; nowhere by default. */
  readonly receiptPathOf?: ((path: string) => string | undefined) | undefined;
  /** Ends the sending; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
};

/** One evidence channel, from the side of its requester. Stop it in the end: `await using`, or {@link EvidenceChannel.stop}. */
export class EvidenceChannel implements AsyncDisposable {
  readonly #parts: EvidenceChannelParts;
  readonly #ledger: SendLedger;
  readonly #queue: SendQueue;
  readonly #stop = new AbortController();

  private constructor(parts: EvidenceChannelParts, ledger: SendLedger) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#queue = new SendQueue((files) => this.#send(files));
  }

  static async open(parts: EvidenceChannelParts): Promise<EvidenceChannel> {
    // Contents that came as streams to a process that was killed: they are sent again.
    await rm(spoolOf(parts), { recursive: true, force: true });
    return new EvidenceChannel(parts, await SendLedger.open(join(parts.folder, 'sent.jsonl')));
  }

  get channelId(): Hash {
    return this.#parts.channelId;
  }

  /** Chain and contract, as they were trusted when the channel was opened. */
  get network(): ChannelNetwork {
    return this.#parts.network;
  }

  async status(): Promise<EvidenceChannelStatus> {
    const { channelId, url, channel, view, findEnd } = this.#parts;
    const [{ status, held, latest, locks }, end] = await Promise.all([view(), findEnd()]);
    const state = latest?.state;
    return {
      ...{ channelId, url, channel, held },
      status: end ? 'settled' : status,
      version: state?.version ?? 0,
      requesterBalance: state?.requesterBalance ?? held,
      verifierBalance: state?.verifierBalance ?? 0n,
      openLocks: locks.length,
      evidenceCount: end?.evidenceCount ?? state?.evidenceCount ?? 0,
      ...(end ? { end } : {}),
    };
  }

  /**
   * Has contents preserved: uploaded, billed, paid for. Small ones go many to a bill; what comes while others are on their way goes with
   * the next ones, so that it may be called for many at once. A content that the channel has preserved before is `kept`, and costs
   * nothing. Sent again, what has failed or was interrupted goes on where it stopped.
   * @param given The path of a file or folder, bytes, `{ content, name, receiptPath }` (its content a stream too), or many of these: a list, or
   *   a stream of them.
   * @returns What became of each, in their order; also what failed. For a stream without end, see {@link EvidenceChannel.sendEach}.
   * @throws NotariumError when nothing can be sent at all; `request-invalid` for what is no content; the signal's reason.
   */
  async send(given: Sendables, options: SendOptions = {}): Promise<SentOutcome[]> {
    const outcomes: SentOutcome[] = [];
    for await (const outcome of this.sendEach(given, options)) outcomes.push(outcome);
    return outcomes;
  }

  /**
   * As {@link EvidenceChannel.send}, for a stream of many: tells of each as soon as it is through, and takes no more from the source than
   * it can send, with 64 MiB of bytes in memory at most (or one content). Nothing is sent unless somebody reads the outcomes.
   */
  sendEach(given: Sendables, options: SendOptions = {}): AsyncGenerator<SentOutcome, void, void> {
    const { receiptPathOf, signal } = options;
    const parts = { queue: this.#queue, spool: spoolOf(this.#parts), signal };
    return sendEach(parts, eachEvidence(given, receiptPathOf, signal));
  }

  /** Has files preserved that are hashed already; see {@link sendFiles}. @throws NotariumError when nothing can be sent at all. */
  async sendHashed(
    files: readonly FileToSend[],
    options: {
      readonly parallel?: number | undefined;
      readonly onBytes?: (count: number) => void;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<SentOutcome[]> {
    return await this.#queue.inTurn(() => this.#send(files, options));
  }

  async #send(
    files: readonly FileToSend[],
    options: Parameters<EvidenceChannel['sendHashed']>[1] = {},
  ): Promise<SentOutcome[]> {
    const { verifier, preserve, resume, prices, leafOf } = this.#parts;
    const { onBytes, parallel } = options;
    // The verifier may say nothing for ever. Who goes on in this process waits: what is on its way would be paid twice.
    const over = AbortSignal.any([this.#stop.signal, this.#parts.signal].filter((one) => one !== undefined));
    const signal = options.signal ? AbortSignal.any([over, options.signal]) : over;
    signal.throwIfAborted();
    // What is not known to be paid would be paid again.
    await unlessAborted(this.#recover(), over);
    return await sendFiles(
      {
        ledger: this.#ledger,
        isPreserved: async (bill) => (await leafOf(bill)) !== undefined,
        resume: (item) => {
          const begun = resume(item);
          return begun && unlessAborted(begun, over);
        },
        async upload(item, uploadUrl, onUrl) {
          const { digest, members } = item;
          return await sendUpload(sourceOf(item), {
            endpoint: verifier.uploadsUrl,
            authorization: () => verifier.token.header(),
            metadata: { kind: members.length > 1 ? 'pack' : 'content', digest },
            uploadUrl,
            onUrl,
            signal,
          });
        },
        async preserve(item, upload) {
          const count = item.members.length;
          const maxAmount = mostFor(prices, count, sourceOf(item).sizeBytes);
          await unlessAborted(preserve({ uploads: [upload], digest: item.digest, count, maxAmount }), over);
        },
        ...(onBytes ? { onBytes } : {}),
        signal,
      },
      files,
      { parallel },
    );
  }

  /**
   * Writes the receipt of every file that was preserved and has none yet, and of all once more when the channel has ended: with the
   * settlement then.
   * @param options.anew Also those that were written before.
   * @returns How many receipts there are, and for how many files there is none yet.
   * @throws NotariumError `file-unwritable`.
   */
  async writeReceipts(options: { readonly anew?: boolean } = {}): Promise<{ written: number; waiting: number }> {
    return await writeReceipts({
      ledger: this.#ledger,
      receipts: () => this.receipts(),
      isSettled: (await this.#parts.findEnd()) !== undefined,
      anew: options.anew ?? false,
    });
  }

  /** Gives the receipt of a content by its digest, as of now; undefined for one that is not preserved. */
  async receipts(): Promise<(digest: Hash) => Promise<ChannelReceipt | undefined>> {
    const { network, channel, leaves, leafOf, view, findEnd } = this.#parts;
    await this.#recover();
    const [{ latest }, ended] = await Promise.all([view(), findEnd()]);
    const whole = ended && (await this.#tree(ended.evidenceCount));
    // The chain may have paid for more than is known here: then what both have signed proves the rest.
    const end = whole && ended;
    const tree = whole ?? (await loadEvidenceTree(leaves, latest?.state.evidenceCount ?? 0));
    const settlement = end && {
      kind: 'settled' as const,
      transactionHash: end.transactionHash,
      blockNumber: end.blockNumber,
    };
    let inner: { bill: Hash; proofOf: (index: number) => string[] } | undefined;
    const innerOf = (bill: Hash, index: number, count: number): InnerProof | undefined => {
      if (count === 1) return undefined;
      // Files come in the order in which they were sent: those of one batch one after the other.
      if (inner?.bill !== bill) {
        inner = { bill, proofOf: buildAggregate(concat(...this.#ledger.membersOf(bill)!.map(fromHex))).proofOf };
      }
      return { leafIndex: index, treeSize: count, path: inner.proofOf(index) };
    };
    return async (digest) => {
      const place = this.#ledger.placeOf(digest);
      const bill = place && (await leafOf(place.bill));
      if (!place || !bill || bill.leafIndex >= tree.size) return undefined;
      const proof = innerOf(place.bill, place.index, place.count);
      return makeChannelReceipt({
        network,
        channel,
        bill,
        tree,
        latest: latest ?? undefined,
        settlement,
        inner: proof,
      });
    };
  }

  /**
   * Pays more into the channel. What was interrupted may have been paid: {@link EvidenceChannel.status} says what the channel holds.
   * @param amount In the smallest unit.
   * @throws NotariumError `channel-invalid`, `channel-state` (it is closing, or somebody else was faster), `chain-funds-missing`, those of
   *   the chain.
   */
  async deposit(amount: bigint): Promise<ChannelDeposit> {
    return await this.#parts.deposit(amount);
  }

  /**
   * Ends the channel on chain, together with the verifier, or alone when it does not answer: that takes the challenge period.
   * @throws NotariumError of the verifier and the chain.
   */
  async close(how: 'together' | 'alone' = 'together'): Promise<ChannelEnd> {
    return (await this.#parts.findEnd()) ?? (await this.#parts.end(how));
  }

  /** Ends the work of this process. The channel stays as it is, and another process goes on with it. */
  async stop(): Promise<void> {
    this.#stop.abort(new NotariumError('channel-state', 'the channel was stopped'));
    await this.#queue.idle();
    await this.#parts.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Gets back what a restored backup lacks: paid bills, and what was in their packs, without which no member can be proved. */
  async #recover(): Promise<void> {
    const { recover, verifier } = this.#parts;
    await recover(async (bills) => {
      for (const { bill } of bills.map(({ signed }) => signed)) {
        if (bill.count === 1 || this.#ledger.membersOf(bill.digest)) continue;
        try {
          const members = await fetchPackMembers(verifier, bill);
          await this.#ledger.plan([{ digest: bill.digest, members: members.map((digest) => ({ digest })) }]);
        } catch (error) {
          // What the verifier does not have any more must not keep the others from their receipts.
          if (!isNotariumError(error) || errorTable[error.code].retry) throw error;
        }
      }
    });
  }

  /** The evidence tree that the channel has ended with; undefined where not all of its leaves are known here. */
  async #tree(size: number): Promise<MemoryTree | undefined> {
    return await loadEvidenceTree(this.#parts.leaves, size).catch((error: unknown) => {
      if (error instanceof RangeError) return undefined;
      throw error;
    });
  }
}

function spoolOf({ folder }: Pick<EvidenceChannelParts, 'folder'>): string {
  return join(folder, 'spool');
}

function sourceOf({ members }: SendItem): UploadSource {
  return members.length === 1 ? fileSource(members[0]!) : packSource(members);
}
