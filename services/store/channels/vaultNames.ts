import { type Hash, hexDigits } from '../../core/bytes.ts';
import type { BillKind, EvidenceKind } from '../../core/channels/upload.ts';
import { evidenceKey } from '../evidence.ts';

/** A file of the vault, by its name. */
export type VaultFile =
  | { readonly digest: string; readonly kind: EvidenceKind; readonly keyId?: string }
  | { readonly digest: string; readonly channelId: string; readonly document: string; readonly of: BillKind };

/** Folder of the indexes of packs. */
export const membersFolder = 'members';

/** Folder of a channel with an empty file for each pack that it has documents of, named by the root. */
export function holderFolder(channelId: Hash): string {
  return `holders/${channelId.slice(2)}`;
}

/** Name of evidence: `ab/cd/<64 hex>[.pack|.digests][.<key id>.sealed]`. */
export function evidenceName(digest: Uint8Array, kind: EvidenceKind, keyId?: string): string {
  const kindPart = kind === 'content' ? '' : `.${kind}`;
  return `${evidenceKey(digest)}${kindPart}${keyId === undefined ? '' : `.${keyId}.sealed`}`;
}

/** Name of the index of a pack. */
export function membersName(root: Uint8Array): string {
  return `${membersFolder}/${hexDigits(root)}`;
}

/**
 * Name of a document as a channel knows it: `<name>-<kind>`.
 * @throws RangeError for a name that is not of a-z, 0-9 and hyphens.
 */
export function ownDocumentName(name: string, kind: BillKind): string {
  const whole = `${name}-${kind}`;
  if (!/^[a-z0-9-]{1,80}$/.test(whole)) throw new RangeError('a document is named by a-z, 0-9 and hyphens');
  return whole;
}

/** Name of a document beside the evidence: `<evidence>.<channel>.<name>-<kind>.json`. @throws RangeError as {@link ownDocumentName}. */
export function documentName(digest: Uint8Array, channelId: Hash, name: string, kind: BillKind): string {
  return `${evidenceKey(digest)}.${channelId.slice(2)}.${ownDocumentName(name, kind)}.json`;
}

const pattern =
  /^([0-9a-f]{64})(?:(?:\.(pack|digests))?(?:\.([0-9a-f]{16})\.sealed)?|\.([0-9a-f]{64})\.([a-z0-9-]{1,80})\.json)$/;
const ofPattern = /-(content|pack|digests)$/;

/** What a name says; undefined for a file that is none of the vault's. */
export function parseVaultName(name: string): VaultFile | undefined {
  const match = pattern.exec(name);
  if (!match) return undefined;
  const [, digest = '', kind, keyId, channel, document] = match;
  if (channel !== undefined) {
    const of = (ofPattern.exec(document!)?.[1] ?? 'unknown') as BillKind;
    return { digest, channelId: `0x${channel}`, document: document!, of };
  }
  return { digest, kind: (kind as EvidenceKind | undefined) ?? 'content', ...(keyId === undefined ? {} : { keyId }) };
}
