import { BlockList, isIP } from 'node:net';

/** An address as the groups of its bits; the text of one that is no address is not kept. */
export type CallerAddress = { readonly family: 4 | 6; readonly bytes: Uint8Array };

/** Bits of the range that attempts are counted for, and that is the most that is ever kept of an address. */
const keptBits = { 4: 24, 6: 48 } as const;

const special: readonly (readonly [string, number, 4 | 6, string])[] = [
  ['127.0.0.0', 8, 4, 'loopback'],
  ['10.0.0.0', 8, 4, 'private'],
  ['172.16.0.0', 12, 4, 'private'],
  ['192.168.0.0', 16, 4, 'private'],
  ['169.254.0.0', 16, 4, 'link-local'],
  ['100.64.0.0', 10, 4, 'shared'],
  ['::1', 128, 6, 'loopback'],
  ['fc00::', 7, 6, 'private'],
  ['fe80::', 10, 6, 'link-local'],
];
const lists = special.map(([address, bits, family, name]) => {
  const list = new BlockList();
  list.addSubnet(address, bits, `ipv${family}`);
  return { list, family, name: `${address}/${bits} (${name})` };
});

/** Reads an address; IPv4 within IPv6 is IPv4. undefined where the text is none. */
export function readAddress(text: string | undefined): CallerAddress | undefined {
  const [bare = ''] = (text ?? '').split('%');
  const family = isIP(bare);
  if (family === 4) return { family, bytes: Uint8Array.from(bare.split('.').map(Number)) };
  if (family !== 6) return undefined;
  // The parser of URLs writes every form of an address in one way.
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const first = groupsOf(head);
  const last = groupsOf(tail ?? '');
  const groups = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? { family: 4, bytes: bytes.slice(12) } : { family, bytes };
}

/** The range of an address with so many bits, never more than are kept: `203.0.113.0/24`. */
export function rangeOf({ family, bytes }: CallerAddress, bits: number = keptBits[family]): string {
  const kept = Math.min(bits, keptBits[family]);
  return `${textOf(family, masked(bytes, kept))}/${kept}`;
}

/** Where attempts from an address are counted: its /24, or /48. */
export function networkKey(address: CallerAddress | undefined): string {
  return address ? rangeOf(address) : 'unknown';
}

/** Range and kind of an address that is of no country; undefined of any other. */
export function specialRange({ family, bytes }: CallerAddress): string | undefined {
  const text = textOf(family, bytes);
  return lists.find((each) => each.family === family && each.list.check(text, `ipv${family}`))?.name;
}

/** The address as text, in one form. */
export function textOf(family: 4 | 6, bytes: Uint8Array): string {
  if (family === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function masked(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, at) => byte & (0xff << Math.max(0, Math.min(8, 8 * (at + 1) - bits))));
}
