import { createHash } from 'node:crypto';
import { type Hash, toHex } from '../core/bytes.ts';
import type { EvidenceKind } from '../core/channels/upload.ts';
import { NotariumError } from '../core/errors.ts';
import { DigestsCheck } from './DigestsCheck.ts';
import { PackCheck } from './PackCheck.ts';

type RootCheck = { update(bytes: Uint8Array): void; root(): Uint8Array };

/** Hashes evidence of which only the digest is known: a content has it as its SHA-256, a pack or list as its root. */
export class EvidenceHash {
  readonly #content = createHash('sha256');
  /** What it may be still. */
  readonly #others = new Map<EvidenceKind, RootCheck>();

  /** @param sizeBytes Of all of it. */
  constructor(sizeBytes: number) {
    this.#try('pack', () => void this.#others.set('pack', new PackCheck({ sizeBytes })));
    this.#try('digests', () => void this.#others.set('digests', new DigestsCheck(sizeBytes)));
  }

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#content.update(bytes);
    for (const [kind, check] of this.#others) this.#try(kind, () => check.update(bytes));
  }

  /**
   * What the digest says that it is, when all has arrived.
   * @throws NotariumError `evidence-corrupt` {digest, have: its SHA-256} for bytes of another digest.
   */
  kindOf(digest: Hash): EvidenceKind {
    const have = toHex(this.#content.digest());
    if (have === digest) return 'content';
    for (const [kind, check] of this.#others) {
      let root: Hash | undefined;
      this.#try(kind, () => {
        root = toHex(check.root());
      });
      if (root === digest) return kind;
    }
    throw new NotariumError('evidence-corrupt', `its digest is ${have}`, { data: { digest, have } });
  }

  /** Bytes that a kind does not take are not of that kind. */
  #try(kind: EvidenceKind, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof NotariumError)) throw error;
      this.#others.delete(kind);
    }
  }
}
