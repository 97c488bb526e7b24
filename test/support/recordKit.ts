import { createHash, randomBytes } from 'node:crypto';
import { type Network, networkName } from '../../services/core/eip712.ts';
import { type CheckedRecord, digestText, signRecord } from '../../services/core/record.ts';
import type { UnsignedRecord } from '../../services/core/recordSchema.ts';
import type { Signer } from '../../services/core/signature.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto, type NativeCrypto } from '../../services/lib/nativeCrypto.ts';

export const crypto: NativeCrypto = await loadCrypto();

/** A signer with a random key. */
export function randomSigner(): Signer {
  return localSigner(randomBytes(32), crypto);
}

/** A signed record about a text; fields override the default ones. */
export async function signedRecord(
  network: Network,
  signer: Signer,
  text: string,
  fields: Partial<Omit<UnsignedRecord, 'submitter'>> = {},
): Promise<CheckedRecord> {
  const digest = digestText(createHash('sha256').update(text).digest());
  return await signRecord(
    {
      v: 1,
      network: networkName(network),
      kind: 'evidence',
      subject: `urn:test:${text.slice(0, 200)}`,
      digest,
      time: new Date().toISOString(),
      ...fields,
    },
    signer,
    crypto,
  );
}

/** JSON text of a record, as it is posted. */
export function textOf({ entry }: CheckedRecord): string {
  return new TextDecoder().decode(entry);
}
