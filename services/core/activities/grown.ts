/** Entries that several maps share: each sees the first ones, as many as it has. */
type Shared<K, V> = { readonly entries: [K, V][]; readonly places: Map<K, number> };

/** A map that nothing changes, and that another one, which has an entry more, shares its entries with. */
class GrownMap<K, V> extends Map<K, V> {
  readonly #shared: Shared<K, V>;
  readonly #count: number;

  constructor(shared: Shared<K, V>, count: number) {
    super();
    this.#shared = shared;
    this.#count = count;
  }

  with(key: K, value: V): GrownMap<K, V> {
    const { entries, places } = this.#shared;
    // Another one has grown from the same map before, or the key is there.
    if (entries.length !== this.#count || places.has(key)) return grownFrom(new Map(this).set(key, value));
    places.set(key, entries.length);
    entries.push([key, value]);
    return new GrownMap(this.#shared, entries.length);
  }

  override get size(): number {
    return this.#count;
  }

  override get(key: K): V | undefined {
    const place = this.#shared.places.get(key);
    return place !== undefined && place < this.#count ? this.#shared.entries[place]![1] : undefined;
  }

  override has(key: K): boolean {
    return (this.#shared.places.get(key) ?? this.#count) < this.#count;
  }

  override *entries(): MapIterator<[K, V]> {
    for (let place = 0; place < this.#count; place++) {
      const [key, value] = this.#shared.entries[place]!;
      yield [key, value];
    }
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  override *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  override *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
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

function grownFrom<K, V>(map: ReadonlyMap<K, V>): GrownMap<K, V> {
  const entries = [...map];
  return new GrownMap({ entries, places: new Map(entries.map(([key], place) => [key, place])) }, entries.length);
}

/**
 * A map with one entry more, or another value for a key. The one that it is made from stays as it is, and is not copied where it was made
 * in this way and nothing else has been made from it: else what has thousands of messages would be copied for each of them.
 */
export function grown<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return (map instanceof GrownMap ? (map as GrownMap<K, V>) : grownFrom(map)).with(key, value);
}
