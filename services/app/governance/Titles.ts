import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { readProposalContent } from '../../core/governance/proposalContent.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import { ownContent } from './openContents.ts';

const mostKept = 1_000;

/** Titles of proposals, from the contents that this centre has. */
export class Titles {
  readonly #parts: Pick<GovernanceParts, 'store' | 'crypto'>;
  /** null where the content is none of a proposal. */
  readonly #known = new Map<Hash, string | null>();

  constructor(parts: Pick<GovernanceParts, 'store' | 'crypto'>) {
    this.#parts = parts;
  }

  /** undefined where the content is not here, or cannot be read. */
  async of(contentHash: Hash): Promise<string | undefined> {
    const known = this.#known.get(contentHash);
    if (known !== undefined) return known ?? undefined;
    const bytes = await ownContent(this.#parts.store, contentHash);
    if (!bytes) return undefined;
    const title = this.#read(bytes);
    if (this.#known.size >= mostKept) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(contentHash, title ?? null);
    return title;
  }

  #read(bytes: Uint8Array): string | undefined {
    try {
      return readProposalContent(bytes, this.#parts.crypto).content.title;
    } catch (error) {
      // Whoever proposes may hash anything.
      if (isNotariumError(error)) return undefined;
      throw error;
    }
  }
}
