import { type Address, concat, fromHex, type Hash, utf8 } from './bytes.ts';
import { portableCrypto } from './crypto.ts';

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

/** The network that a name stands for, or undefined when the text is not one. */
export function parseNetworkName(name: string): Network | undefined {
  const match = /^eip155:([1-9][0-9]{0,15}):(0x[0-9a-f]{40})$/.exec(name);
  if (!match) return undefined;
  const chainId = Number(match[1]);
  return Number.isSafeInteger(chainId) ? { chainId, contract: match[2] as Address } : undefined;
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
  const view = new DataView(word.buffer);
  view.setUint32(24, Math.floor(value / 2 ** 32));
  view.setUint32(28, value >>> 0);
  return word;
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

const separators = new Map<string, Uint8Array>();

/** EIP-712 domain separator of a network, {name: "Notarium", version: "1", chainId, verifyingContract}. */
export function domainSeparator(network: Network): Uint8Array {
  const name = networkName(network);
  let separator = separators.get(name);
  if (!separator) {
    separator = keccak256(
      concat(domainType, nameHash, versionHash, uintWord(network.chainId), addressWord(network.contract)),
    );
    // A verifier may be shown receipts of any number of networks; the cache must not grow with them.
    if (separators.size >= 64) separators.clear();
    separators.set(name, separator);
  }
  return separator;
}

/** A struct type whose members are all one word: gives the digest to sign for a struct of that type. */
export function structHasher(type: string): {
  digest: (network: Network, words: readonly Uint8Array[], keccak?: (bytes: Uint8Array) => Uint8Array) => Uint8Array;
} {
  const hash = typeHash(type);
  return {
    digest(network, words, keccak = keccak256) {
      const encoded = new Uint8Array(32 * (words.length + 1));
      encoded.set(hash, 0);
      words.forEach((word, index) => {
        encoded.set(word, 32 * (index + 1));
      });
      const message = new Uint8Array(66);
      message[0] = 0x19;
      message[1] = 0x01;
      message.set(domainSeparator(network), 2);
      message.set(keccak(encoded), 34);
      return keccak(message);
    },
  };
}
