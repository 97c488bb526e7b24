import { join } from 'node:path';
import { type Address, fromHex, type Hash } from '../../../core/bytes.ts';
import { jsonWithAmounts } from '../../../core/channels/amount.ts';
import type { ChannelNetwork } from '../../../core/channels/channel.ts';
import type { EvidenceKind } from '../../../core/channels/upload.ts';
import type { Crypto } from '../../../core/crypto.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { every, type Loop } from '../../../lib/every.ts';
import { InOrder } from '../../../lib/InOrder.ts';
import type { Logger } from '../../../lib/logger.ts';
import { EvidenceVault, type OpenedEvidence } from '../../../store/channels/EvidenceVault.ts';
import { Uploads } from '../../../store/channels/Uploads.ts';
import { ownDocumentName } from '../../../store/channels/vaultNames.ts';
import type { S3Credentials } from '../../../store/Store.ts';
import type { KeptEvidence } from '../EvidenceKeeper.ts';
import type { EvidencePolicy } from './evidencePolicy.ts';
import { checkUnknown, judgeUpload } from './judgeUpload.ts';
import { mediaTypeOf } from './mediaType.ts';

/** What the evidence side of a verifier works with. */
export type EvidenceDeskParts = {
  /** Evidence lies in `evidence` in it, uploads under way in `uploads`. */
  readonly folder: string;
  /** `s3://bucket/prefix?endpoint=…&region=…` for the evidence instead. */
  readonly evidenceUrl?: string | undefined;
  readonly s3?: S3Credentials | undefined;
  readonly policy: EvidencePolicy;
  readonly network: ChannelNetwork;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Evidence that a bill is asked for. */
export type OfferedEvidence = { readonly upload: string; readonly digest: Hash; readonly count: number };

/** Evidence that the policy takes. */
export type JudgedEvidence = {
  readonly digest: Hash;
  readonly count: number;
  readonly kind: EvidenceKind;
  /** Bytes that the verifier keeps. */
  readonly sizeBytes: number;
  /** Where it is; empty for the evidence store. */
  readonly locator: string;
};

const tidyMs = 60_000;
const collectMs = 3_600_000;

/** Takes uploads, judges them, keeps them with bills and statements beside them, and gives them back. */
export class EvidenceDesk {
  readonly uploads: Uploads;
  readonly #parts: EvidenceDeskParts;
  readonly #vault: EvidenceVault;
  readonly #taking = new InOrder();
  readonly #stop = new AbortController();
  #loops: readonly Loop[] = [];

  private constructor(parts: EvidenceDeskParts, vault: EvidenceVault, uploads: Uploads) {
    this.#parts = parts;
    this.#vault = vault;
    this.uploads = uploads;
  }

  /** @throws NotariumError `config-invalid`, `storage-failed`. */
  static async open(parts: EvidenceDeskParts): Promise<EvidenceDesk> {
    const { evidence, uploads: bounds } = parts.policy;
    const vault = await EvidenceVault.open({
      folder: join(parts.folder, 'evidence'),
      url: parts.evidenceUrl,
      s3: parts.s3,
    });
    const uploads = await Uploads.open({
      folder: join(parts.folder, 'uploads'),
      limits: {
        uploadBytes: evidence.mostBytes,
        itemCount: evidence.mostItems,
        openUploads: bounds.mostOpen,
        openBytes: bounds.mostOpenBytes,
        allUploads: bounds.mostOfAll,
        allBytes: bounds.mostBytesOfAll,
        idleMs: 1000 * bounds.idleSeconds,
        unpaidMs: 1000 * bounds.unpaidSeconds,
      },
      clock: parts.clock,
      // What must be unique is known after any crash to be here already.
      describesLate: !evidence.unique,
      mediaTypeOf: evidence.mediaTypes || evidence.hook ? mediaTypeOf : undefined,
    });
    await uploads.checkTaken((digest) => vault.has(fromHex(digest)));
    return new EvidenceDesk(parts, vault, uploads);
  }

  /** Removes idle uploads and unpaid evidence from time to time. */
  start(): void {
    const { logger, clock, policy } = this.#parts;
    const loop = { signal: this.#stop.signal, logger, clock };
    const collect = async (): Promise<void> => {
      const { files, sizeBytes } = await this.#vault.collect(
        1000 * policy.uploads.unpaidSeconds,
        clock.nowMs(),
        (digest) => this.uploads.isAwaited(digest),
      );
      if (files > 0) logger.info({ files, sizeBytes }, 'removed evidence that no channel needs');
    };
    this.#loops = [
      every(tidyMs, () => this.#tidy(), { ...loop, name: 'idle uploads' }),
      every(collectMs, collect, { ...loop, name: 'unpaid evidence' }),
    ];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops.map(({ done }) => done));
    await this.uploads.describeLate();
  }

  /**
   * Judges a finished upload by the policy. When it is taken, it is durably in the evidence store, where it stays for
   * `uploads.unpaidSeconds` unless {@link keep} holds it. The same may be asked again.
   * @throws NotariumError `upload-unknown`, `upload-invalid`, `evidence-mismatch`, `evidence-refused` {reason, have, want} (the
   *   upload is gone then), `evidence-hook-failed`.
   */
  async judge(
    { upload: id, digest, count }: OfferedEvidence,
    by: { readonly channelId: Hash; readonly requester: Address },
    signal?: AbortSignal,
  ): Promise<JudgedEvidence> {
    const { info } = this.uploads.find(by.channelId, id);
    const { declared, arrived } = info;
    if (!arrived) throw new NotariumError('upload-invalid', 'it is not complete', { data: { upload: id } });
    if (declared.digest !== digest || arrived.count !== count) {
      throw new NotariumError('evidence-mismatch', undefined, {
        data: { want: { digest: declared.digest, count: arrived.count }, have: { digest, count } },
      });
    }
    if (info.taken) this.uploads.touchTaken(id);
    else await this.#take(by, id, signal);
    const locator = declared.kind === 'digests' ? (declared.locator ?? '') : '';
    return { digest, count, kind: declared.kind, sizeBytes: declared.sizeBytes, locator };
  }

  /**
   * Writes bills and statements beside their evidence, durably: as long as they are there, it is kept, and its channel may read what
   * they are for.
   * @throws NotariumError `evidence-not-found`, `storage-full`, `storage-failed`.
   */
  async keep(items: readonly KeptEvidence[]): Promise<void> {
    await this.#vault.putDocuments(
      items.map(({ bill, kind, statements }) => ({
        channelId: bill.channelId,
        digest: bill.digest,
        name: documentName(bill),
        kind,
        json: documentText(bill, statements),
      })),
    );
    await Promise.all(items.map(({ bill }) => this.uploads.forgetTaken(bill.channelId, bill.digest)));
  }

  /** @throws NotariumError `evidence-not-found`, `storage-failed`. */
  requireHere(digests: readonly Hash[]): Promise<void> {
    return this.#vault.requireHere(digests);
  }

  /** Whether bill and statements stand beside their evidence as {@link EvidenceDesk.keep} writes them. @throws NotariumError `storage-failed`. */
  async isKept({ bill, kind, statements }: KeptEvidence): Promise<boolean> {
    const documents = await this.#vault.documents(bill.channelId, bill.digest);
    return documents.get(ownDocumentName(documentName(bill), kind)) === documentText(bill, statements);
  }

  /** A channel needs evidence no longer. */
  release(channelId: Hash, digest: Hash): Promise<void> {
    return this.#vault.release(channelId, digest);
  }

  /**
   * Evidence that a channel has paid for, by its digest: also one content of a pack. Undefined when there is none such.
   * @throws NotariumError `evidence-key-missing`.
   */
  content(channelId: Hash, digest: Hash, key?: Uint8Array): Promise<OpenedEvidence | undefined> {
    return this.#vault.open(fromHex(digest), { key, holder: channelId });
  }

  async #tidy(): Promise<void> {
    await this.uploads.removeIdle();
    await this.uploads.describeLate();
  }

  async #take(by: { channelId: Hash; requester: Address }, id: string, signal?: AbortSignal): Promise<void> {
    const { info } = this.uploads.find(by.channelId, id);
    const files = await this.uploads.finished(by.channelId, id);
    const parts = { ...this.#parts, vault: this.#vault, isAwaited: (digest: Hash) => this.uploads.isAwaited(digest) };
    // One after the other where it must be unique: what another one takes in counts. A hook may take its time before.
    const turn = this.#parts.policy.evidence.unique ? 'unique' : id;
    try {
      // What has gone into the vault was judged before.
      const isMoved = !files.isFresh && (await this.uploads.isMoved(by.channelId, id));
      if (!isMoved) await judgeUpload(parts, { info, files, requester: by.requester }, signal);
      await this.#taking.run(turn, async () => {
        // The same upload may have been asked for twice at once.
        if (this.uploads.find(by.channelId, id).info.taken) return;
        if (!isMoved) await checkUnknown(parts, { files });
        await this.uploads.markTaken(id, await this.#vault.take(files));
      });
    } catch (error) {
      if (isNotariumError(error, 'evidence-refused')) await this.uploads.remove(by.channelId, id);
      throw error;
    }
  }
}

function documentName({ id }: KeptEvidence['bill']): string {
  return id.slice(2);
}

function documentText(bill: KeptEvidence['bill'], statements: KeptEvidence['statements']): string {
  return jsonWithAmounts({ format: 'notarium-evidence/1', bill, statements });
}
