import { type Address, type Hash, utf8 } from './bytes.ts';
import { canonicalText } from './canonicalJson.ts';
import { parseNetworkName } from './eip712.ts';
import { NotariumError } from './errors.ts';
import {
  fieldPatterns,
  isSubject,
  isTime,
  maxEntryBytes,
  maxMetaBytes,
  maxRecordDepth,
  type NotariumRecord,
} from './recordSchema.ts';
import { parseStrictJson } from './strictJson.ts';

/** A text that is the canonical form of a record, read. */
export type CanonicalRecord = {
  readonly record: NotariumRecord;
  /** Canonical text without the signature. */
  readonly unsigned: string;
};

const { digest, kind, time, signature, address, hash } = fieldPatterns;
// What RFC 8785 writes as it is; everything else stands as an escape, and is left to the long way.
const plain = '[^"\\\\\\u0000-\\u001f]';

// All fields in RFC 8785 order, without white space: a text of this shape is canonical as soon as `meta` is.
const shape = new RegExp(
  `^(\\{"digest":"(${digest})",(?:"expires":"(${time})",)?(?:"holder":"(${address})",)?"kind":"(${kind})",` +
    `(?:"meta":(\\{[^]*\\}),)?"network":"(${plain}{1,80})",)"signature":"(${signature})",` +
    `("subject":"(${plain}{1,512})","submitter":"(${address})",(?:"supersedes":"(${hash})",)?"time":"(${time})","v":1\\})$`,
);

/**
 * The short way of reading a record: takes a text that already is canonical, as this project's clients send it and as the log
 * holds it, in a fifth of the time. Gives undefined for every other text, good or bad: the long way reads those, and knows
 * what is wrong.
 */
export function readCanonicalRecord(text: string): CanonicalRecord | undefined {
  if (text.length > maxEntryBytes) return undefined;
  const found = shape.exec(text);
  if (!found) return undefined;
  const network = found[7]!;
  const subject = found[10]!;
  const [expires, metaText, made] = [found[3], found[6], found[13]!];
  if (parseNetworkName(network) === undefined || !isSubject(subject) || !isTime(made)) return undefined;
  if (expires !== undefined && !isTime(expires)) return undefined;
  const meta = metaText === undefined ? undefined : readMeta(metaText);
  if (metaText !== undefined && meta === undefined) return undefined;
  return {
    // In the order of the schema, as the long way gives it.
    record: {
      v: 1,
      network,
      kind: found[5]!,
      subject,
      digest: found[2] as NotariumRecord['digest'],
      time: made,
      ...(expires === undefined ? undefined : { expires }),
      ...(found[12] === undefined ? undefined : { supersedes: found[12] as Hash }),
      ...(found[4] === undefined ? undefined : { holder: found[4] as Address }),
      ...(meta === undefined ? undefined : { meta }),
      submitter: found[11] as Address,
      signature: found[8]!,
    },
    unsigned: found[1]! + found[9]!,
  };
}

/** `meta` where the text is its canonical form; undefined for every other text. */
function readMeta(text: string): Record<string, unknown> | undefined {
  if (utf8(text).length > maxMetaBytes) return undefined;
  try {
    const meta = parseStrictJson(text, { maxDepth: maxRecordDepth - 1 }) as Record<string, unknown>;
    return canonicalText(meta) === text ? meta : undefined;
  } catch (error) {
    if (error instanceof NotariumError) return undefined;
    throw error;
  }
}
