import { fromHex, type Hex, isHex } from '../../core/bytes.ts';
import type { ChannelSigner } from '../../core/channels/party.ts';
import { NotariumError } from '../../core/errors.ts';
import { fullSignature, type Signer } from '../../core/signature.ts';
import { channelSigner } from '../../lib/channelSigner.ts';
import { isPrivateKey } from '../../lib/localSigner.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';

/** Who pays and signs as a requester: a private key (32 bytes, or 0x and 64 hexadecimal digits), or what signs at once with one. */
export type RequesterKey =
  | { readonly privateKey: Hex | Uint8Array; readonly signer?: undefined }
  | { readonly signer: ChannelSigner; readonly privateKey?: undefined };

/** @throws NotariumError `config-invalid` for what is no private key. */
export function signerOf({ privateKey, signer }: RequesterKey, crypto: NativeCrypto): ChannelSigner {
  if (signer) return signer;
  const key = typeof privateKey === 'string' ? keyBytes(privateKey) : privateKey;
  if (!isPrivateKey(key)) throw new NotariumError('config-invalid', 'the private key is no secp256k1 private key');
  return channelSigner(key, crypto);
}

/** For transactions. */
export function transactionSigner({ address, sign }: ChannelSigner): Signer {
  return { address, sign: async (digest) => fullSignature(fromHex(sign(digest))) };
}

function keyBytes(text: string): Uint8Array {
  const hex = text.toLowerCase();
  if (!isHex(hex, 32)) throw new NotariumError('config-invalid', 'the private key is not 0x and 64 hexadecimal digits');
  return fromHex(hex);
}
