import { HDNodeWallet } from 'ethers';
import { type Address, fromHex } from '../../services/core/bytes.ts';

const phrase = 'test test test test test test test test test test test junk';

/** A well-known development key (of the mnemonic above) that Hardhat and anvil give 10,000 ether. NOT a secret. */
export function devKey(index: number): Uint8Array {
  return fromHex(wallet(index).privateKey);
}

/** Address of {@link devKey}. */
export function devAddress(index: number): Address {
  return wallet(index).address.toLowerCase() as Address;
}

const wallets = new Map<number, HDNodeWallet>();

function wallet(index: number): HDNodeWallet {
  let known = wallets.get(index);
  if (!known) {
    // PBKDF2 and BIP-32: milliseconds each time.
    known = HDNodeWallet.fromPhrase(phrase, '', `m/44'/60'/0'/0/${index}`);
    wallets.set(index, known);
  }
  return known;
}
