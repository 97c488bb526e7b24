import { fromBase64, toBase64 } from '../bytes.ts';
import type { Network } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { hashBytes } from '../sha256.ts';
import { type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts';

/** Size and root of a log, as signed in a C2SP checkpoint (https://c2sp.org/tlog-checkpoint). */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** Name of a network's log, and of every centre's note key: `notarium/<chain id>/<contract in lower case>`. */
export function checkpointOrigin(network: Network): string {
  return `notarium/${network.chainId}/${network.contract.toLowerCase()}`;
}

/** The text that is signed: origin, size and root, each on a line. Byte-identical at every centre. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== hashBytes) throw new RangeError('not a checkpoint');
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** A checkpoint signed under its origin name. */
export function signCheckpoint(checkpoint: Checkpoint, ...signers: readonly NoteSigner[]): string {
  return signNote(checkpointText(checkpoint), signers);
}

/**
 * Checks a signed checkpoint. The known keys must carry the log's origin as their name.
 * @throws NotariumError `checkpoint-malformed` when it is not a checkpoint, or one of another log; `signature-mismatch`
 *   when no known key signed it, or a known key's signature is wrong.
 */
export function openCheckpoint(
  note: string | Uint8Array,
  verifiers: readonly NoteVerifier[],
): Checkpoint & { readonly signers: readonly NoteVerifier[] } {
  const { text, signers } = openNote(note, verifiers);
  const checkpoint = parseCheckpointText(text);
  if (signers.some((signer) => signer.name !== checkpoint.origin)) {
    throw new NotariumError('checkpoint-malformed', 'the origin is not the name of the key', {
      data: { have: checkpoint.origin, want: signers[0]!.name },
    });
  }
  return { ...checkpoint, signers };
}

/**
 * Reads the text of a checkpoint; lines after the third are extensions, which are allowed and not read.
 * @throws NotariumError `checkpoint-malformed`.
 */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin, sizeText, rootText, ...rest] = text.split('\n');
  const isComplete = rest.length > 0 && rest.at(-1) === '' && !rest.slice(0, -1).includes('');
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(sizeText ?? '') ? Number(sizeText) : Number.NaN;
  if (!origin || !isComplete || !Number.isSafeInteger(size) || !/^[A-Za-z0-9+/]{43}=$/.test(rootText!)) {
    throw new NotariumError('checkpoint-malformed');
  }
  return { origin, size, root: rootBytes(rootText!) };
}

function rootBytes(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    // 32 bytes leave two unused bits in the last digit: only one text for one root.
    throw new NotariumError('checkpoint-malformed', 'root is not canonical base64', { cause });
  }
}
