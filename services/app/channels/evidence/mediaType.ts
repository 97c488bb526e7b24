import { isUtf8 } from 'node:buffer';
import { fileTypeFromBuffer } from 'file-type';

/** What nothing is known of. */
const unknownType = 'application/octet-stream';

/**
 * Media type of a content by its first bytes: what file-type recognises, `text/plain` for other UTF-8 text without control
 * characters, `application/octet-stream` for the rest.
 */
export async function mediaTypeOf(head: Uint8Array): Promise<string> {
  const found = await fileTypeFromBuffer(head);
  return found?.mime ?? (isText(head) ? 'text/plain' : unknownType);
}

function isText(head: Uint8Array): boolean {
  if (head.length === 0 || head.some((byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return false;
  // The end may be cut within a character, which has four bytes at most.
  return [0, 1, 2, 3].some((cut) => cut < head.length && isUtf8(head.subarray(0, head.length - cut)));
}
