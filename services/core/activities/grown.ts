/** What another map has for one key that the newest one has in another way. */
type Difference<K, V> = {
  readonly key: K;
  readonly before: { readonly value: V } | undefined;
  readonly newer: GrownMap<K, V>;
};

/** Differences through which a key is looked for; beyond that the map is made again from the newest one. */
const mostSteps = 4;

/**
 * A map that nothing changes. Of those that were made from one another the newest has the entries, each older one what it has in another way
 * than the one that was made of it (H. Baker, "Shallow binding makes functional arrays fast"): so another entry or value copies nothing, and
 * maps that nobody needs any more take up nothing.
 */
class GrownMap<K, V> extends Map<K, V> {
  #entries: Map<K, V> | undefined;
  #difference: Difference<K, V> | undefined;
  readonly #count: number;

  constructor(entries: Map<K, V>) {
    super();
    this.#entries = entries;
    this.#count = entries.size;
  }

  with(key: K, value: V): GrownMap<K, V> {
    const entries = this.#own();
    const before = entries.has(key) ? { value: entries.get(key)! } : undefined;
    entries.set(key, value);
    const newer = new GrownMap(entries);
    this.#entries = undefined;
    this.#difference = { key, before, newer };
    return newer;
  }

  /** Its entries in one map, which the others then differ from. */
  #own(): Map<K, V> {
    const older: GrownMap<K, V>[] = [];
    let newest: GrownMap<K, V> = this;
    for (; newest.#difference; newest = newest.#difference.newer) older.push(newest);
    const entries = newest.#entries!;
    for (const map of older.toReversed()) {
      const { key, before, newer } = map.#difference!;
      newer.#difference = { key, before: entries.has(key) ? { value: entries.get(key)! } : undefined, newer: map };
      newer.#entries = undefined;
      // The last that came is the first that goes: so they stay in their order.
      if (before) entries.set(key, before.value);
      else entries.delete(key);
      map.#entries = entries;
      map.#difference = undefined;
    }
    return entries;
  }

  #find(key: K): { readonly value: V } | undefined {
    let map: GrownMap<K, V> = this;
    for (let steps = 0; map.#difference; map = map.#difference.newer) {
      if (map.#difference.key === key) return map.#difference.before;
      if (++steps > mostSteps) {
        this.#own();
        return this.#find(key);
      }
    }
    const entries = map.#entries!;
    return entries.has(key) ? { value: entries.get(key)! } : undefined;
  }

  override get size(): number {
    return this.#count;
  }

  override get(key: K): V | undefined {
    return this.#find(key)?.value;
  }

  override has(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  override *entries(): MapIterator<[K, V]> {
    // Another one may be made of it meanwhile.
    yield* [...this.#own()];
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  override *keys(): MapIterator<K> {
    yield* [...this.#own().keys()];
  }

  override *values(): MapIterator<V> {
    yield* [...this.#own().values()];
  }

  override forEach(each: (value: V, key: K, map: Map<K, V>) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }

  override set(): never {
    throw new TypeError('nothing changes this map');
  }

  override delete(): never {
    throw new TypeError('nothing changes this map');
  }

  override clear(): never {
    throw new TypeError('nothing changes this map');
  }
}

/**
 * A map with one entry more, or another value for a key. The one that it is made from stays as it is, and is not copied where it was made
 * in this way: else what has thousands of messages would be copied for each of them.
 */
export function grown<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return (map instanceof GrownMap ? (map as GrownMap<K, V>) : new GrownMap(new Map(map))).with(key, value);
}
