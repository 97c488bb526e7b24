import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Arrival } from './Arrival.ts';
import type { Spool } from './spool.ts';
import type { UploadInfo } from './uploadInfo.ts';

/** Bounds of what may be under way. */
export type UploadLimits = {
  /** Largest upload. */
  readonly uploadBytes: number;
  /** Most contents of a pack or list. */
  readonly itemCount: number;
  /** Uploads of a channel that are not in the vault yet. */
  readonly openUploads: number;
  /** Declared bytes of all uploads of a channel that are not paid, also of those in the vault. */
  readonly openBytes: number;
  /** Uploads of all channels together, also of those in the vault that nobody has paid; no bound when left out. */
  readonly allUploads?: number | undefined;
  /** Declared bytes of all of them. */
  readonly allBytes?: number | undefined;
  /** An upload that nobody writes to goes after this time. */
  readonly idleMs: number;
  /** One in the vault that nobody has paid is forgotten after this time; `idleMs` when left out. */
  readonly unpaidMs?: number | undefined;
};

/** An upload that is under way, or done and not paid yet. */
export type OpenUpload = {
  info: UploadInfo;
  /** When it was written to. */
  lastMs: number;
  /** A request is at it. */
  active: boolean;
  /** Its description is on the disk. */
  isDescribed: boolean;
  /** It is described only when it is not paid for some time. */
  isLate?: boolean;
  /** It was whole before this process began: a loss of power may have taken bytes that were not synced. */
  isUnproved?: boolean;
  /** It was written and synced by this process, and nobody has looked at it yet. */
  isSynced?: boolean;
  spool?: Spool;
  /** Missing after a restart, and where many others wait: it is hashed anew from the disk then. */
  arrival?: Arrival;
};

/** So many times as many may be in the vault and unpaid as may be open: a bound for their descriptions, bytes are what counts. */
const takenShare = 16;

/** Hashes that are kept of uploads which wait for their next piece. */
const idleHashes = 256;

/** What a channel has open: uploads, those of them in the vault, and declared bytes of all. */
type Used = { count: number; taken: number; bytes: number };

/** All open uploads, found by id, channel and digest. */
export class OpenUploads {
  readonly #byId = new Map<string, OpenUpload>();
  readonly #byChannel = new Map<Hash, Used>();
  readonly #byDigest = new Map<Hash, Map<string, OpenUpload>>();
  /** Declared, of all. */
  #bytes = 0;
  /** Those with a hash and no request, the longest idle first. */
  readonly #idle = new Set<OpenUpload>();

  get(id: string): OpenUpload | undefined {
    return this.#byId.get(id);
  }

  all(): OpenUpload[] {
    return [...this.#byId.values()];
  }

  ofDigest(digest: Hash): OpenUpload[] {
    return [...(this.#byDigest.get(digest)?.values() ?? [])];
  }

  /** Whether one of that digest is in the vault and not paid yet. */
  isAwaited(digest: Hash): boolean {
    return this.ofDigest(digest).some(({ info }) => info.taken);
  }

  /** @throws NotariumError `uploads-full`. */
  checkRoom(channelId: Hash, sizeBytes: number, limits: UploadLimits): void {
    const used = this.#byChannel.get(channelId) ?? { count: 0, taken: 0, bytes: 0 };
    const count = used.count - used.taken;
    const takenCount = used.taken;
    // What is in the vault takes as much of the disk, and nobody has paid it yet.
    const bytes = used.bytes + sizeBytes;
    const isRoom = count < limits.openUploads && takenCount < takenShare * limits.openUploads;
    if (isRoom && bytes <= limits.openBytes) {
      this.#checkAll(sizeBytes, limits);
      return;
    }
    throw new NotariumError('uploads-full', undefined, {
      data: {
        have: count,
        want: limits.openUploads,
        unpaid: takenCount,
        haveBytes: bytes,
        wantBytes: limits.openBytes,
      },
    });
  }

  add(upload: OpenUpload): void {
    const { id, channelId, declared } = upload.info;
    this.#bytes += declared.sizeBytes;
    this.#byId.set(id, upload);
    const used = this.#byChannel.get(channelId) ?? { count: 0, taken: 0, bytes: 0 };
    used.count++;
    if (upload.info.taken) used.taken++;
    used.bytes += declared.sizeBytes;
    this.#byChannel.set(channelId, used);
    addTo(this.#byDigest, declared.digest, upload);
  }

  /** The vault has it. */
  take(upload: OpenUpload): void {
    if (upload.info.taken) return;
    upload.info = { ...upload.info, taken: true };
    const used = this.#byChannel.get(upload.info.channelId);
    if (used) used.taken++;
  }

  remove(id: string): void {
    const upload = this.#byId.get(id);
    if (!upload) return;
    this.#byId.delete(id);
    this.#bytes -= upload.info.declared.sizeBytes;
    this.#idle.delete(upload);
    const { channelId, taken, declared } = upload.info;
    const used = this.#byChannel.get(channelId)!;
    used.count--;
    if (taken) used.taken--;
    used.bytes -= declared.sizeBytes;
    if (used.count === 0) this.#byChannel.delete(channelId);
    removeFrom(this.#byDigest, upload.info.declared.digest, id);
  }

  /** Whoever opens many channels gets no more of the disk than this. */
  #checkAll(sizeBytes: number, { allUploads = Infinity, allBytes = Infinity }: UploadLimits): void {
    const [have, haveBytes] = [this.#byId.size, this.#bytes + sizeBytes];
    if (have < allUploads && haveBytes <= allBytes) return;
    throw new NotariumError('uploads-full', 'of all channels together', {
      data: { have, want: allUploads, haveBytes, wantBytes: allBytes },
    });
  }

  /** A request has ended: the hashes of those that have waited longest go, when there are too many. */
  rest(upload: OpenUpload): void {
    this.#idle.delete(upload);
    if (upload.arrival && this.#byId.has(upload.info.id)) this.#idle.add(upload);
    for (const oldest of this.#idle) {
      if (this.#idle.size <= idleHashes) break;
      this.#idle.delete(oldest);
      if (!oldest.active) forgetHash(oldest);
    }
  }
}

/** What the disk has counts from now on. */
export function forgetHash(upload: OpenUpload): void {
  delete upload.arrival;
  delete upload.spool;
}

function addTo(map: Map<Hash, Map<string, OpenUpload>>, key: Hash, upload: OpenUpload): void {
  const found = map.get(key) ?? new Map<string, OpenUpload>();
  map.set(key, found.set(upload.info.id, upload));
}

function removeFrom(map: Map<Hash, Map<string, OpenUpload>>, key: Hash, id: string): void {
  const found = map.get(key);
  if (found?.delete(id) && found.size === 0) map.delete(key);
}
