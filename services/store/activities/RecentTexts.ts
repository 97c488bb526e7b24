const maxBytes = 16 << 20;

/**
 * Texts that were put on the disk a moment ago, by their digests: each of many members is sent the same one, and need not be given it by the
 * database, which decrypts it anew each time. They are sealed, so memory holds nothing here that the wire does not.
 */
export class RecentTexts {
  readonly #texts = new Map<string, Uint8Array>();
  #sizeBytes = 0;

  put(id: string, text: Uint8Array): void {
    if (this.#texts.has(id) || text.length > maxBytes) return;
    this.#texts.set(id, text);
    this.#sizeBytes += text.length;
    for (const [oldest, { length }] of this.#texts) {
      if (this.#sizeBytes <= maxBytes) return;
      this.#texts.delete(oldest);
      this.#sizeBytes -= length;
    }
  }

  get(id: string): Uint8Array | undefined {
    return this.#texts.get(id);
  }
}
