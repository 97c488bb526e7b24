import { type Address, concat, fromHex, type Hash, utf8 } from './bytes.ts';
import { portableCrypto } from './crypto.ts';
import { addressPattern } from './schemas.ts';

/** The EIP-712 domain of a network: chain id and the `BlockAnchor` contract (DESIGN.md section 3). */
export type Network = {
  readonly chainId: number;
  /** `BlockAnchor`, the verifying contract of every signed message. */
  readonly contract: Address;
};

/** `eip155:<chainId>:<contract>`, the text that binds a record to a network. */
export function networkName(network: Network): string {
  return `eip155:${network.chainId}:${network.contract}`;
}

const namePattern = new RegExp(`^eip155:([1-9][0-9]{0,15}):(${addressPattern})$`);
// Who reads records reads those of one network, one after the other.
let lastNamed: { readonly name: string; readonly network: Network } | undefined;

/** The network that a name stands for, or undefined when the text is not one. */
export function parseNetworkName(name: string): Network | undefined {
  if (lastNamed?.name === name) return lastNamed.network;
  const match = namePattern.exec(name);
  if (!match) return undefined;
  const chainId = Number(match[1]);
  if (!Number.isSafeInteger(chainId)) return undefined;
  const network = { chainId, contract: match[2] as Address };
  lastNamed = { name, network };
  return network;
}

const keccak256 = portableCrypto.keccak256;
const typeHash = (type: string): Uint8Array => keccak256(utf8(type));

const domainType = typeHash('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)');
const nameHash = keccak256(utf8('Notarium'));
const versionHash = keccak256(utf8('1'));

/** A 32-byte word holding an unsigned integer, big-endian. Integers to 2^53 - 1. */
export function uintWord(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not an unsigned integer below 2^53');
  const word = new Uint8Array(32);
  for (let at = 31, rest = value; rest > 0; at--, rest = Math.floor(rest / 256)) word[at] = rest % 256;
  return word;
}

/** A 32-byte word holding an unsigned integer that may be beyond 2^53, such as an amount of money. */
export function bigUintWord(value: bigint): Uint8Array {
  if (value < 0n || value >= 1n << 256n) throw new RangeError('not an unsigned integer below 2^256');
  return fromHex(value.toString(16).padStart(64, '0'));
}

/** A 32-byte word holding an address. */
export function addressWord(address: Address): Uint8Array {
  const word = new Uint8Array(32);
  word.set(fromHex(address), 12);
  return word;
}

/** A 32-byte word of a `bytes32`. */
export function hashWord(hash: Hash): Uint8Array {
  return fromHex(hash);
}

// By the value itself: nobody changes a network, and the cache goes with it.
const separators = new WeakMap<Network, Uint8Array>();

/** EIP-712 domain separator of a network, {name: "Notarium", version: "1", chainId, verifyingContract}. */
export function domainSeparator(network: Network): Uint8Array {
  let separator = separators.get(network);
  if (!separator) {
    separator = keccak256(
      concat(domainType, nameHash, versionHash, uintWord(network.chainId), addressWord(network.contract)),
    );
    separators.set(network, separator);
  }
  return separator;
}

/** Hashes structs of one type. */
export type StructHasher = {
  /** The digest to sign for a struct of the type. Of strings and structs within it, a word is their hash. */
  digest(network: Network, words: readonly Uint8Array[], keccak?: (bytes: Uint8Array) => Uint8Array): Uint8Array;
  /** `hashStruct` of EIP-712: the word of a struct within another one. */
  structHash(words: readonly Uint8Array[], keccak?: (bytes: Uint8Array) => Uint8Array): Uint8Array;
};

/** A struct type, written as EIP-712's `encodeType` has it: gives what hashes structs of that type. */
export function structHasher(type: string): StructHasher {
  const hash = typeHash(type);
  // Written anew for each digest: intake makes two for every record.
  let encoded = new Uint8Array(0);
  const message = new Uint8Array(66);
  message[0] = 0x19;
  message[1] = 0x01;
  const structHash: StructHasher['structHash'] = (words, keccak = keccak256) => {
    if (encoded.length !== 32 * (words.length + 1)) {
      encoded = new Uint8Array(32 * (words.length + 1));
      encoded.set(hash, 0);
    }
    for (let index = 0; index < words.length; index++) encoded.set(words[index]!, 32 * (index + 1));
    return keccak(encoded);
  };
  return {
    structHash,
    digest(network, words, keccak = keccak256) {
      message.set(domainSeparator(network), 2);
      message.set(structHash(words, keccak), 34);
      return keccak(message);
    },
  };
}
