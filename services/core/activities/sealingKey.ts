import { fromHex, type Hash, toHex } from '../bytes.ts';
import { hashSchema } from '../schemas.ts';

const p = 2n ** 255n - 19n;
/** The points whose order divides 8: what is agreed on with one of them is zero, for everybody. RFC 7748, section 6.1. */
const lowOrder = new Set([
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  p - 1n,
]);

/** Whether something can be sealed to an X25519 key; else one member with such a key would keep all others from saying anything. */
export function isSealingKey(key: Hash): boolean {
  const u = BigInt.asUintN(255, BigInt(toHex(fromHex(key).toReversed())));
  return !lowOrder.has(u % p);
}

/** See {@link isSealingKey}. */
export const sealingKeySchema = hashSchema.refine(isSealingKey, 'not a key to which something can be sealed');
