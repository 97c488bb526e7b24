import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, type Hash, sameBytes, toHex } from '../../core/bytes.ts';
import type { UploadDeclaration } from '../../core/channels/upload.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { jsonOrUndefined } from '../../lib/jsonOrUndefined.ts';
import { contentKeyId, sealedBytesOf } from '../../lib/sealed.ts';
import { stored } from '../storageError.ts';
import { Arrival } from './Arrival.ts';
import { checkTrailer } from './checkEvidence.ts';
import type { FinishedUpload } from './EvidenceVault.ts';
import { forgetHash, type OpenUpload, OpenUploads, type UploadLimits } from './OpenUploads.ts';
import { plainSpool, type Spool, sealedSpool, sizeOf } from './spool.ts';
import { isThere, localFile, remove } from './uploadFiles.ts';
import { type UploadInfo, uploadInfoSchema } from './uploadInfo.ts';

/** What is not larger is synced when it has arrived: it need not be opened once more for that. */
const smallBytes = 1 << 20;
/** What was written so lately is as young as if it were taken now. */
const freshMs = 60_000;

/** What uploads work with. */
export type UploadsParts = {
  readonly folder: string;
  readonly limits: UploadLimits;
  readonly clock: Clock;
  readonly mediaTypeOf?: ((head: Uint8Array) => Promise<string>) | undefined;
  /**
   * A small upload that comes in one request is described on the disk only once it is not paid for some time, which hardly any is not: after
   * a kill in that time it is sent again.
   */
  readonly describesLate?: boolean | undefined;
};

/**
 * Uploads on their way, each in a file of its own that grows; they survive a kill. Requests for one upload come one after the
 * other. Errors of all calls: `storage-full`, `storage-failed`.
 */
export class Uploads {
  readonly #parts: UploadsParts;
  readonly #open = new OpenUploads();

  private constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /** Finds what was under way. */
  static async open(parts: UploadsParts): Promise<Uploads> {
    const uploads = new Uploads(parts);
    await mkdir(parts.folder, { recursive: true });
    for (const name of await readdir(parts.folder)) {
      if (name.endsWith('.json')) await uploads.#load(name);
    }
    // What has lost its description: a kill came between the two removals.
    for (const name of await readdir(parts.folder)) {
      if (!uploads.#open.get(name.slice(0, 32))) await rm(join(parts.folder, name), { force: true });
    }
    return uploads;
  }

  get limits(): UploadLimits {
    return this.#parts.limits;
  }

  /**
   * Begins an upload.
   * @param key Content key: it is stored encrypted.
   * @param comesWith Content follows in the same request: nobody knows of the upload before that is written, so that it is not described
   *   on the disk before.
   * @throws NotariumError `uploads-full`, `request-too-large`, `upload-invalid`.
   */
  async create(channelId: Hash, declared: UploadDeclaration, key?: Uint8Array, comesWith = false): Promise<UploadInfo> {
    const { limits, clock } = this.#parts;
    if (key && declared.kind === 'digests')
      throw new NotariumError('upload-invalid', 'a list of digests is not encrypted');
    if (declared.sizeBytes > limits.uploadBytes) throw tooLarge(declared.sizeBytes, limits.uploadBytes);
    this.#open.checkRoom(channelId, declared.sizeBytes, limits);
    const id = randomBytes(16).toString('hex');
    const keyId = key && contentKeyId(key, fromHex(declared.digest));
    const info = { id, channelId, declared, createdAtMs: clock.nowMs(), ...(keyId === undefined ? {} : { keyId }) };
    const arrival = this.#newArrival(info);
    const upload: OpenUpload = {
      info,
      lastMs: clock.nowMs(),
      active: false,
      isDescribed: false,
      isLate: comesWith && this.#parts.describesLate === true && isSmall(info),
      arrival,
      spool: this.#newSpool(info, key),
    };
    this.#open.add(upload);
    try {
      if (!comesWith) await stored(() => this.#describe(upload));
      if (declared.sizeBytes === 0) await this.append(channelId, id, 0, [], key);
    } catch (error) {
      await this.#drop(id);
      throw error;
    }
    return upload.info;
  }

  /** An upload of the channel. @throws NotariumError `upload-unknown`. */
  find(channelId: Hash, id: string): { readonly info: UploadInfo; readonly lastMs: number } {
    const upload = this.#open.get(id);
    if (!upload || upload.info.channelId !== channelId) throw new NotariumError('upload-unknown');
    return upload;
  }

  /**
   * Bytes of an upload so far. One whose last byte came just before a kill is finished now.
   * @throws NotariumError `upload-unknown`, `evidence-key-missing`, those of {@link append}.
   */
  async offset(channelId: Hash, id: string, key?: Uint8Array): Promise<number> {
    const { info } = this.find(channelId, id);
    if (info.arrived) return info.declared.sizeBytes;
    const upload = this.#open.get(id)!;
    if (upload.arrival) return upload.arrival.offset;
    const onDisk = info.keyId === undefined ? await sizeOf(this.#path(id)) : info.declared.sizeBytes;
    if (onDisk < info.declared.sizeBytes) return onDisk;
    const { offset } = await stored(() => this.#resume(upload, key));
    return offset < info.declared.sizeBytes ? offset : this.append(channelId, id, offset, [], key);
  }

  /**
   * Writes what comes to the end of an upload; answers its bytes so far. When all have come, it is what was declared or goes.
   * What came before a stream broke off stays.
   * @throws NotariumError `upload-unknown`, `upload-conflict`, `request-too-large`, `evidence-key-missing`; `evidence-mismatch`
   *   and `upload-invalid`, after which the upload is gone.
   */
  async append(
    channelId: Hash,
    id: string,
    offset: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    key?: Uint8Array,
  ): Promise<number> {
    this.find(channelId, id);
    const upload = this.#open.get(id)!;
    const { declared } = upload.info;
    if (upload.info.arrived) {
      if (offset === declared.sizeBytes) return offset;
      throw conflict(declared.sizeBytes);
    }
    if (upload.active) throw conflict(upload.arrival?.offset ?? 0);
    upload.active = true;
    try {
      const arrival = await stored(() => this.#resume(upload, key));
      if (arrival.offset !== offset) throw conflict(arrival.offset);
      await this.#receive(upload, content);
      if (arrival.offset === declared.sizeBytes) await stored(() => this.#finish(upload));
      else if (!upload.isDescribed) await stored(() => this.#describe(upload));
      return arrival.offset;
    } catch (error) {
      // What is hopeless goes; what the disk has is the truth about anything else.
      if (isNotariumError(error, 'evidence-mismatch') || isNotariumError(error, 'upload-invalid')) await this.#drop(id);
      else if (isNotariumError(error, 'storage-full') || isNotariumError(error, 'storage-failed')) forgetHash(upload);
      throw error;
    } finally {
      upload.active = false;
      upload.lastMs = this.#parts.clock.nowMs();
      this.#open.rest(upload);
    }
  }

  /** The files of a finished upload, as the vault takes them; one from before a restart is looked at once more. @throws NotariumError `upload-unknown`, `upload-invalid`. */
  async finished(channelId: Hash, id: string): Promise<FinishedUpload> {
    const { info } = this.find(channelId, id);
    if (!info.arrived) throw new NotariumError('upload-invalid', 'it is not complete', { data: { upload: id } });
    const upload = this.#open.get(id)!;
    await stored(() => this.#prove(upload));
    const { kind, digest } = info.declared;
    const membersPath = kind === 'pack' ? this.#path(id, 'members') : undefined;
    const isFresh = upload.isSynced === true && this.#parts.clock.nowMs() - upload.lastMs < freshMs;
    // Whoever has been given it once may have moved it.
    upload.isSynced = false;
    return { digest: fromHex(digest), kind, path: this.#path(id), keyId: info.keyId, membersPath, isFresh };
  }

  /** Whether its bytes have gone into the vault, and a kill came before that was noted. */
  async isMoved(channelId: Hash, id: string): Promise<boolean> {
    const { info } = this.find(channelId, id);
    return info.arrived !== undefined && (await sizeOf(this.#path(id))) === 0 && info.declared.sizeBytes > 0;
  }

  /**
   * Notes that the vault has it: only the description stays, until it is forgotten or too old. That there is nothing beside it says so
   * after a restart.
   * @param isMoved The vault has the file itself.
   */
  async markTaken(id: string, isMoved: boolean): Promise<void> {
    const upload = this.#open.get(id);
    if (!upload) return;
    if (!isMoved) await stored(() => remove(this.#path(id)));
    this.#open.take(upload);
    upload.lastMs = this.#parts.clock.nowMs();
  }

  /** Forgets what was taken by its description, and is not in the vault: a loss of power has undone it. It is sent again. */
  async checkTaken(isInVault: (digest: Hash) => Promise<boolean>): Promise<void> {
    for (const { info } of this.#open.all()) {
      if (info.taken && !(await isInVault(info.declared.digest))) await stored(() => this.#drop(info.id));
    }
  }

  /** The evidence is paid: nothing of the upload is needed any more. */
  async forgetTaken(channelId: Hash, digest: Hash): Promise<void> {
    for (const { info } of this.#open.ofDigest(digest)) {
      if (info.taken && info.channelId === channelId) await stored(() => this.#drop(info.id));
    }
  }

  /** Whether an upload of that digest is in the vault, and may still be paid: what it is must stay there. */
  isAwaited(digest: Hash): boolean {
    return this.#open.isAwaited(digest);
  }

  /** One in the vault is asked for again: it may still be paid. */
  touchTaken(id: string): void {
    const upload = this.#open.get(id);
    if (upload?.info.taken) upload.lastMs = this.#parts.clock.nowMs();
  }

  /**
   * Ends an upload. One in the vault counts for as long as its bytes are there.
   * @throws NotariumError `upload-unknown`, `upload-conflict`.
   */
  async remove(channelId: Hash, id: string): Promise<void> {
    const { info } = this.find(channelId, id);
    if (info.taken) throw conflict(info.declared.sizeBytes);
    await stored(() => this.#drop(id));
  }

  /** Describes what is not paid yet, so that a restart knows of it. */
  async describeLate(): Promise<void> {
    for (const upload of this.#open.all()) {
      if (!upload.isLate || upload.isDescribed || upload.active || !upload.info.arrived) continue;
      await stored(() => this.#describe(upload));
      // It may have been paid or taken away meanwhile.
      if (this.#open.get(upload.info.id) !== upload) await stored(() => remove(this.#path(upload.info.id, 'json')));
    }
  }

  /** Removes what nobody has written to for too long; answers how many. */
  async removeIdle(): Promise<number> {
    const { idleMs, unpaidMs = idleMs } = this.#parts.limits;
    const nowMs = this.#parts.clock.nowMs();
    const isIdle = ({ info, lastMs, active }: OpenUpload): boolean =>
      !active && lastMs <= nowMs - (info.taken ? unpaidMs : idleMs);
    const idle = this.#open.all().filter(isIdle);
    for (const { info } of idle) await stored(() => this.#drop(info.id));
    return idle.length;
  }

  async #resume(upload: OpenUpload, key: Uint8Array | undefined): Promise<Arrival> {
    const { info } = upload;
    if (info.keyId !== undefined && (!key || contentKeyId(key, fromHex(info.declared.digest)) !== info.keyId)) {
      throw new NotariumError('evidence-key-missing');
    }
    if (upload.arrival) return upload.arrival;
    const spool = this.#newSpool(info, key);
    const arrival = this.#newArrival(info);
    for await (const chunk of spool.replay()) await arrival.update(chunk);
    upload.spool = spool;
    upload.arrival = arrival;
    return arrival;
  }

  async #receive(upload: OpenUpload, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const { spool, arrival, info } = upload as Required<OpenUpload>;
    const { sizeBytes } = info.declared;
    await stored(() => spool.begin());
    try {
      for await (const chunk of content) {
        if (arrival.offset + chunk.length > sizeBytes) throw tooLarge(arrival.offset + chunk.length, sizeBytes);
        await stored(() => Promise.all([spool.write(chunk), arrival.update(chunk)]));
      }
    } finally {
      await stored(() => spool.end(arrival.offset === sizeBytes));
    }
  }

  async #finish(upload: OpenUpload): Promise<void> {
    const { digest, members, ...arrived } = await upload.arrival!.finish();
    const { id, declared } = upload.info;
    if (!sameBytes(digest, fromHex(declared.digest))) {
      throw new NotariumError('evidence-mismatch', undefined, { data: { want: declared.digest, have: toHex(digest) } });
    }
    if (members) await writeFile(this.#path(id, 'members'), members);
    upload.info = { ...upload.info, arrived: { ...arrived, mediaTypes: [...arrived.mediaTypes] } };
    upload.isSynced = isSmall(upload.info);
    forgetHash(upload);
    if (!upload.isLate) await this.#describe(upload);
  }

  #newArrival({ declared }: UploadInfo): Arrival {
    const { limits, mediaTypeOf } = this.#parts;
    return new Arrival({ kind: declared.kind, sizeBytes: declared.sizeBytes, maxCount: limits.itemCount, mediaTypeOf });
  }

  #newSpool({ id, keyId, declared }: UploadInfo, key: Uint8Array | undefined): Spool {
    return keyId !== undefined && key
      ? sealedSpool(this.#path(id), key, declared.sizeBytes)
      : plainSpool(this.#path(id), isSmall({ declared, keyId }));
  }

  async #load(name: string): Promise<void> {
    const path = join(this.#parts.folder, name);
    const text = await readFile(path, 'utf8');
    const info = uploadInfoSchema.safeParse(jsonOrUndefined(text));
    // Half a description is what a loss of power leaves; the requester begins anew.
    if (!info.success) return;
    const { id, arrived } = info.data;
    const taken = arrived && !(await isThere(this.#path(id)));
    this.#open.add({
      info: { ...info.data, ...(taken ? { taken } : {}) },
      // Restarts do not make what nobody pays any younger.
      lastMs: taken ? Math.floor((await stat(path)).mtimeMs) : this.#parts.clock.nowMs(),
      active: false,
      isDescribed: true,
      isUnproved: arrived !== undefined && !taken,
    });
  }

  /** Hashes anew what a loss of power may have damaged since it arrived. What is sealed has a checksum of its own. */
  async #prove(upload: OpenUpload): Promise<void> {
    const { id, declared, keyId } = upload.info;
    const path = this.#path(id);
    // What is not there has gone into the vault.
    if (!upload.isUnproved || !(await isThere(path))) return;
    const sizeBytes = keyId === undefined ? declared.sizeBytes : sealedBytesOf(declared.sizeBytes);
    let isWhole = (await sizeOf(path)) === sizeBytes;
    if (isWhole) {
      const arrival = this.#newArrival(upload.info);
      try {
        if (keyId !== undefined) await checkTrailer(localFile(path, sizeBytes));
        else {
          for await (const chunk of plainSpool(path).replay()) await arrival.update(chunk);
          const { digest, members } = await arrival.finish();
          isWhole = sameBytes(digest, fromHex(declared.digest));
          if (isWhole && members) await writeFile(this.#path(id, 'members'), members);
        }
      } catch (error) {
        const codes = ['evidence-corrupt', 'evidence-mismatch', 'upload-invalid'] as const;
        if (!codes.some((code) => isNotariumError(error, code))) throw error;
        isWhole = false;
      }
    }
    if (!isWhole) {
      await this.#drop(id);
      throw new NotariumError('upload-unknown', 'a loss of power has damaged it');
    }
    upload.isUnproved = false;
  }

  /** Not synced: what a loss of power takes away is sent again. */
  async #describe(upload: OpenUpload): Promise<void> {
    const path = this.#path(upload.info.id, 'json');
    const text = JSON.stringify(upload.info);
    // Before the first description nobody knows of the upload: half of one does no harm.
    if (!upload.isDescribed) await writeFile(path, text);
    else {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    }
    upload.isDescribed = true;
  }

  async #drop(id: string): Promise<void> {
    const upload = this.#open.get(id);
    const info = upload?.info;
    this.#open.remove(id);
    if (upload?.isDescribed !== false) await remove(this.#path(id, 'json'));
    if (info?.declared.kind === 'pack') await remove(this.#path(id, 'members'));
    if (!info?.taken) await remove(this.#path(id));
  }

  #path(id: string, part?: string): string {
    return join(this.#parts.folder, part === undefined ? id : `${id}.${part}`);
  }
}

/** Sealed content is written at several places of its file. */
function isSmall({ declared, keyId }: Pick<UploadInfo, 'declared' | 'keyId'>): boolean {
  return keyId === undefined && declared.sizeBytes <= smallBytes;
}

function tooLarge(have: number, want: number): NotariumError {
  return new NotariumError('request-too-large', `more than ${want} bytes`, { data: { have, want } });
}

function conflict(have: number): NotariumError {
  return new NotariumError('upload-conflict', undefined, { data: { have } });
}
