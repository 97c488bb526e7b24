import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, fromBase64, fromUtf8, hexDigits, sameBytes, toBase64, utf8 } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import { sha256 } from '../sha256.ts';

/**
 * Signed notes with Ed25519 by C2SP (https://c2sp.org/signed-note): text, an empty line, and a line
 * `— <name> <base64 of key id and signature>` for each signature.
 */

/** What checks a signature: the key's name, its id (4 bytes) and the Ed25519 public key (32 bytes). */
export type NoteVerifier = { readonly name: string; readonly keyId: Uint8Array; readonly publicKey: Uint8Array };

/** What makes signatures under a name. */
export type NoteSigner = NoteVerifier & { readonly sign: (message: Uint8Array) => Uint8Array };

/** A note whose signatures by known keys are all valid. */
export type OpenedNote = {
  readonly text: string;
  /** The known keys that signed, at least one. */
  readonly signers: readonly NoteVerifier[];
};

const algorithmEd25519 = 1;
const maxNoteChars = 1_000_000;
const maxNoteSignatures = 100;
const namePattern = /^[^\s+\p{White_Space}]+$/u;

/** Key id: first 4 bytes of SHA-256(name || 0x0a || 0x01 || public key). */
export function noteKeyId(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concat(utf8(name), Uint8Array.of(10, algorithmEd25519), publicKey)).slice(0, 4);
}

/** Signer for a name from an Ed25519 private key (32 bytes, RFC 8032). */
export function noteSigner(name: string, privateKey: Uint8Array): NoteSigner {
  const verifier = noteVerifier(name, ed25519.getPublicKey(privateKey));
  return { ...verifier, sign: (message) => ed25519.sign(message, privateKey) };
}

/** @throws RangeError when the name cannot name a key: empty, or with white space or a plus sign. */
export function noteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  if (!namePattern.test(name) || publicKey.length !== 32) throw new RangeError('not a note key');
  return { name, keyId: noteKeyId(name, publicKey), publicKey };
}

/** Text of a verifier key: `<name>+<key id>+<base64 of 0x01 and the public key>`. */
export function verifierKeyText({ name, keyId, publicKey }: NoteVerifier): string {
  return `${name}+${hexDigits(keyId)}+${toBase64(concat(Uint8Array.of(algorithmEd25519), publicKey))}`;
}

/**
 * Reads {@link verifierKeyText}.
 * @throws NotariumError `checkpoint-malformed` when it is not an Ed25519 verifier key, or its id is not that of its key.
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text);
  const key = match ? base64(match[3]!) : undefined;
  if (!match || key?.length !== 33 || key[0] !== algorithmEd25519 || !namePattern.test(match[1]!)) {
    throw malformed('not a verifier key');
  }
  const verifier = noteVerifier(match[1]!, key.slice(1));
  if (hexDigits(verifier.keyId) !== match[2]) throw malformed('the key id is not that of the key');
  return verifier;
}

/**
 * Signs a text, which must end in a newline.
 * @throws RangeError when it does not, or holds control characters.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!isNoteText(text)) throw new RangeError('not a text that can be signed as a note');
  const lines = signers.map(({ name, keyId, sign }) => `— ${name} ${toBase64(concat(keyId, sign(utf8(text))))}\n`);
  return `${text}\n${lines.join('')}`;
}

/**
 * Checks a note. Signatures by unknown keys are passed over; one by a known key that is wrong refuses the note.
 * @throws NotariumError `checkpoint-malformed` when it is not a signed note; `signature-mismatch` when no known key signed
 *   it, or a known key's signature is wrong.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const whole = typeof note === 'string' ? note : decodeText(note);
  const split = whole.lastIndexOf('\n\n');
  const text = whole.slice(0, split + 1);
  const lines = whole.slice(split + 2);
  if (whole.length > maxNoteChars || split < 0 || !isNoteText(text) || !lines.endsWith('\n')) {
    throw malformed('not a signed note');
  }
  const signatures = lines.slice(0, -1).split('\n').map(parseSignatureLine);
  if (signatures.length > maxNoteSignatures) throw malformed('too many signatures');
  const message = utf8(text);
  const signers = new Set<NoteVerifier>();
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((known) => known.name === name && sameBytes(known.keyId, keyId));
    if (!verifier || signers.has(verifier)) continue;
    if (!isSignature(signature, message, verifier.publicKey)) {
      throw new NotariumError('signature-mismatch', `note key ${name}`);
    }
    signers.add(verifier);
  }
  if (signers.size === 0) throw new NotariumError('signature-mismatch', 'no known note key signed');
  return { text, signers: [...signers] };
}

function parseSignatureLine(line: string): { name: string; keyId: Uint8Array; signature: Uint8Array } {
  const match = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line);
  const bytes = match ? base64(match[2]!) : undefined;
  if (!match || !bytes || bytes.length < 5 || !namePattern.test(match[1]!)) throw malformed('signature line');
  return { name: match[1]!, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
}

function isSignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  // RFC 8032 as other note readers check it, without the laxer points of ZIP 215.
  return ed25519.verify(signature, message, publicKey, { zip215: false });
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these.
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}

function base64(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new NotariumError('checkpoint-malformed', 'not UTF-8', { cause });
  }
}

function malformed(detail: string): NotariumError {
  return new NotariumError('checkpoint-malformed', detail);
}
