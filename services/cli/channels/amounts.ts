import type { Address } from '../../core/bytes.ts';
import { maxAmount } from '../../core/channels/amount.ts';
import { NotariumError } from '../../core/errors.ts';

/** The chain's own coin in place of a token. */
export const coin: Address = '0x0000000000000000000000000000000000000000';

const decimals: Readonly<Record<string, number>> = { '': 0, wei: 0, gwei: 9, ether: 18 };

/**
 * An amount as people write it: `1000` in the smallest unit, `0.5ether`, `20gwei`.
 * @throws NotariumError `usage-invalid`.
 */
export function parseAmount(text: string, name: string): bigint {
  const match = /^([0-9]{1,39})(?:\.([0-9]{1,18}))?(wei|gwei|ether)?$/.exec(text);
  const [, whole = '', part = '', unit = ''] = match ?? [];
  const places = decimals[unit]!;
  if (!match || part.length > places) {
    throw new NotariumError('usage-invalid', `${name} is an amount like 1000, 20gwei or 0.5ether`);
  }
  const amount = BigInt(whole + part.padEnd(places, '0'));
  if (amount > maxAmount) throw new NotariumError('usage-invalid', `${name} is more than a channel can hold`);
  return amount;
}

/** An amount for people: the coin in ether, tokens in their smallest unit. */
export function amountText(amount: bigint, token: Address): string {
  if (token !== coin) return `${amount} of ${token}`;
  const digits = amount.toString().padStart(19, '0');
  const part = digits.slice(-18).replace(/0+$/, '');
  return `${digits.slice(0, -18)}${part === '' ? '' : `.${part}`} ether`;
}
