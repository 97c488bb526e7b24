/** A set of texts that never holds more than so many characters: whoever sends large ones makes it forget earlier. */
export class KnownTexts {
  readonly #texts = new Set<string>();
  readonly #limitChars: number;
  #chars = 0;

  constructor(limitChars: number) {
    this.#limitChars = limitChars;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  /** Takes a text in; the oldest go to make room. One that is larger than the whole set is not kept. */
  add(text: string): void {
    if (this.#texts.has(text) || text.length > this.#limitChars) return;
    for (const oldest of this.#texts) {
      if (this.#chars + text.length <= this.#limitChars) break;
      this.#texts.delete(oldest);
      this.#chars -= oldest.length;
    }
    this.#texts.add(text);
    this.#chars += text.length;
  }
}
