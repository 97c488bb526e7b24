import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { addressSchema } from '../../core/schemas.ts';

/**
 * An account as somebody has typed it.
 * @throws NotariumError `usage-invalid`.
 */
export function addressFrom(text: string): Address {
  const parsed = addressSchema.safeParse(text.toLowerCase());
  if (parsed.success) return parsed.data;
  throw new NotariumError('usage-invalid', `"${text}" is no account (0x and 40 hexadecimal digits)`);
}
