import { z } from 'zod';
import { type Address, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, structHasher, uintWord } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { hexSchema } from '../schemas.ts';
import { parseSignature, publicKeyAddress, signatureBytes } from '../signature.ts';
import type { Bill } from './bill.ts';
import type { ChannelNetwork } from './channel.ts';

/** The verifier makes the first evidence statement of a bill, the requester the second. */
export const statementRoles = ['verifier', 'requester'] as const;

/** See {@link statementRoles}. */
export type StatementRole = (typeof statementRoles)[number];

/** Longest locator, in bytes of UTF-8. */
export const maxLocatorBytes = 2048;

/**
 * One side's signed word on evidence. What it is about is in the bill: channel, id, digest and count. The public key stands beside
 * the signature, so that a reader without the means to recover it can check too.
 */
export const statementSchema = z.strictObject({
  role: z.enum(statementRoles),
  /** Where the evidence is, if not in the evidence store: empty for there. */
  locator: z.string().refine((text) => utf8(text).length <= maxLocatorBytes, `more than ${maxLocatorBytes} bytes`),
  /** Of the signer: 33 bytes, compressed. */
  publicKey: hexSchema(33),
  signature: hexSchema(64, 65),
});

/** See {@link statementSchema}. */
export type Statement = z.infer<typeof statementSchema>;

const hasher = structHasher(
  'EvidenceStatement(string role,bytes32 channelId,bytes32 billId,bytes32 digest,uint64 count,string locator)',
);

/** What a side signs: EIP-712 `EvidenceStatement`. */
export function statementDigest(
  network: ChannelNetwork,
  bill: Pick<Bill, 'id' | 'channelId' | 'digest' | 'count'>,
  { role, locator }: Pick<Statement, 'role' | 'locator'>,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    keccak256(utf8(role)),
    hashWord(bill.channelId),
    hashWord(bill.id),
    hashWord(bill.digest),
    uintWord(bill.count),
    keccak256(utf8(locator)),
  ];
  return hasher.digest(network, words, keccak256);
}

/** The 33 bytes of an uncompressed public key (65 bytes). */
export function compressedPublicKey(publicKey: Uint8Array): Uint8Array {
  const compressed = publicKey.slice(0, 33);
  compressed[0] = 2 + (publicKey[64]! & 1);
  return compressed;
}

/**
 * Checks that the statement is that of the role and by the account, key and signature both.
 * @throws NotariumError `statement-invalid`.
 */
export function checkStatement(
  network: ChannelNetwork,
  bill: Pick<Bill, 'id' | 'channelId' | 'digest' | 'count'>,
  statement: Statement,
  want: { readonly role: StatementRole; readonly account: Address },
  crypto: Crypto = portableCrypto,
): void {
  const fail = (detail: string, cause?: unknown): NotariumError =>
    new NotariumError('statement-invalid', detail, { data: { billId: bill.id, role: want.role }, cause });
  if (statement.role !== want.role) throw fail(`it is by the ${statement.role}, not by the ${want.role}`);
  let publicKey: Uint8Array;
  try {
    const { rs, recovery } = parseSignature(signatureBytes(statement.signature));
    publicKey = crypto.recover(statementDigest(network, bill, statement, crypto.keccak256), rs, recovery);
  } catch (cause) {
    throw fail('its signature is not valid', cause);
  }
  if (publicKeyAddress(crypto, publicKey) !== want.account) throw fail(`it is not signed by ${want.account}`);
  if (toHex(compressedPublicKey(publicKey)) !== statement.publicKey) throw fail('its public key is another one');
}
