import { zeroHash } from '../../core/block.ts';
import { type Hash, toHex, utf8 } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import type { Crypto } from '../../core/crypto.ts';
import { isNotariumError } from '../../core/errors.ts';
import { differencesOf } from '../../core/governance/configuration.ts';
import type { Json } from '../../core/governance/json.ts';
import type { Finding } from '../../store/ResourceStore.ts';
import type { Adapter, Asked } from './adapters/Adapter.ts';

/** What is really there. */
export type Actual =
  | { readonly kind: 'there'; readonly configuration: Json; readonly hash: Hash }
  | { readonly kind: 'nothing' }
  /** Something that is no JSON with one reading. */
  | { readonly kind: 'spoilt'; readonly problem: string };

/**
 * Looks what is really there.
 * @throws NotariumError `resource-failed` when it cannot be known.
 */
export async function readActual(
  adapter: Adapter,
  asked: Asked,
  { crypto, signal }: { readonly crypto: Pick<Crypto, 'sha256'>; readonly signal: AbortSignal },
): Promise<Actual> {
  try {
    const configuration = await adapter.read(asked, signal);
    if (configuration === undefined) return { kind: 'nothing' };
    const hash = toHex(crypto.sha256(utf8(canonicalText(configuration))));
    return { kind: 'there', configuration, hash };
  } catch (error) {
    if (!isNotariumError(error) || error.code === 'resource-failed') throw error;
    return { kind: 'spoilt', problem: error.code };
  }
}

const maxPointerChars = 256;
const maxListChars = 4_000;

/** Compares what is there with what was passed; `want` is undefined where that could not be computed. */
export function findingOf(
  actual: Actual,
  { want, hash, time }: { readonly want: Json | undefined; readonly hash: Hash; readonly time: string },
): Finding {
  const actualHash = actual.kind === 'there' ? actual.hash : zeroHash;
  const matches = actualHash === hash;
  const there = actual.kind === 'there' ? actual.configuration : null;
  return {
    time,
    matches,
    actualHash,
    differences: matches || want === undefined ? [] : pointersOf(want, there),
    ...(actual.kind === 'spoilt' ? { problem: actual.problem } : {}),
  };
}

/** Names may be long: a field whose pointer is, is told by what it stands in. */
function pointersOf(want: Json, have: Json): string[] {
  const pointers = new Set<string>();
  let chars = 0;
  for (const { path } of differencesOf(want, have)) {
    let pointer = path;
    while (pointer.length > maxPointerChars) pointer = pointer.slice(0, pointer.lastIndexOf('/'));
    if (pointers.has(pointer)) continue;
    chars += pointer.length;
    if (chars > maxListChars) break;
    pointers.add(pointer);
  }
  return [...pointers];
}
