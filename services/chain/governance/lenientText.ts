import { fromHex, type Hex } from '../../core/bytes.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Text that somebody put on the chain. A member can put bytes there that are no UTF-8; U+FFFD stands in their place, so that
 * nobody can make the events around them unreadable.
 */
export function lenientText(bytes: Hex): string {
  return decoder.decode(fromHex(bytes));
}
