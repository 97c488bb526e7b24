type Entry<K, V> = readonly [K, V];

/** Entries of one piece; what is beyond the count of a map is not its own. */
const pieceSize = 256;

/** What several maps share: where each key is, of the first ones of which each sees as many as it has. */
type Shared<K> = { readonly places: Map<K, number>; count: number };

/** A map that nothing changes, and that another one, which has an entry more or another value, shares its entries with. */
class GrownMap<K, V> extends Map<K, V> {
  readonly #shared: Shared<K>;
  readonly #pieces: Entry<K, V>[][];
  readonly #count: number;

  constructor(shared: Shared<K>, pieces: Entry<K, V>[][], count: number) {
    super();
    this.#shared = shared;
    this.#pieces = pieces;
    this.#count = count;
  }

  with(key: K, value: V): GrownMap<K, V> {
    const place = this.#placeOf(key);
    if (place !== undefined) return this.#replacing(place, [key, value]);
    const { places, count } = this.#shared;
    // Another one has grown from the same map before.
    if (count !== this.#count) return grownFrom(this).with(key, value);
    const at = Math.floor(count / pieceSize);
    if (at === this.#pieces.length) this.#pieces.push([]);
    this.#pieces[at]![count % pieceSize] = [key, value];
    places.set(key, count);
    this.#shared.count++;
    return new GrownMap(this.#shared, this.#pieces, count + 1);
  }

  /** With a copy of one piece, and of the list of pieces: the square root of all entries, not all. */
  #replacing(place: number, entry: Entry<K, V>): GrownMap<K, V> {
    const pieces = [...this.#pieces];
    const at = Math.floor(place / pieceSize);
    pieces[at] = pieces[at]!.with(place % pieceSize, entry);
    return new GrownMap(this.#shared, pieces, this.#count);
  }

  #placeOf(key: K): number | undefined {
    const place = this.#shared.places.get(key);
    return place !== undefined && place < this.#count ? place : undefined;
  }

  #at(place: number): Entry<K, V> {
    return this.#pieces[Math.floor(place / pieceSize)]![place % pieceSize]!;
  }

  override get size(): number {
    return this.#count;
  }

  override get(key: K): V | undefined {
    const place = this.#placeOf(key);
    return place === undefined ? undefined : this.#at(place)[1];
  }

  override has(key: K): boolean {
    return this.#placeOf(key) !== undefined;
  }

  override *entries(): MapIterator<[K, V]> {
    for (let place = 0; place < this.#count; place++) {
      const [key, value] = this.#at(place);
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
  const shared: Shared<K> = { places: new Map(), count: map.size };
  const pieces: Entry<K, V>[][] = [];
  for (const entry of map) {
    const place = shared.places.size;
    if (place % pieceSize === 0) pieces.push([]);
    pieces.at(-1)!.push(entry);
    shared.places.set(entry[0], place);
  }
  return new GrownMap(shared, pieces, map.size);
}

/**
 * A map with one entry more, or another value for a key. The one that it is made from stays as it is, and is not copied where it was made
 * in this way and nothing else has been made from it: else what has thousands of messages would be copied for each of them.
 */
export function grown<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return (map instanceof GrownMap ? (map as GrownMap<K, V>) : grownFrom(map)).with(key, value);
}
