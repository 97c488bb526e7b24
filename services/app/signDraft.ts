import type { z } from 'zod';
import { networkName } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { signRecord } from '../core/record.ts';
import { unsignedRecordSchema } from '../core/recordSchema.ts';
import type { CentreParts } from './CentreParts.ts';

const draftSchema = unsignedRecordSchema
  .pick({ v: true, network: true, kind: true, subject: true, digest: true, time: true, expires: true, meta: true })
  .partial({ v: true, network: true, time: true });

/**
 * Signs a draft for a client without a key pair: the centre is the submitter, and `meta.onBehalfOf` names the client.
 * `v` and `network` may be left out, or are those of the
 * record to be. Gives the record's JSON text.
 * @throws NotariumError `record-invalid`, `record-unknown-field`, `record-network-mismatch` and the others of a record.
 */
export async function signDraft(
  parts: Pick<CentreParts, 'network' | 'clock' | 'signer' | 'crypto'>,
  draft: unknown,
  onBehalfOf: string,
): Promise<string> {
  const parsed = draftSchema.safeParse(draft);
  if (!parsed.success) throw invalidDraft(parsed.error);
  const want = networkName(parts.network);
  const { network = want, time = new Date(parts.clock.nowMs()).toISOString(), meta, ...rest } = parsed.data;
  if (network !== want)
    throw new NotariumError('record-network-mismatch', undefined, { data: { have: network, want } });
  if (meta && 'onBehalfOf' in meta) throw new NotariumError('record-invalid', 'meta.onBehalfOf is set by the centre');
  const { entry } = await signRecord(
    { ...rest, v: 1, network, time, meta: { ...meta, onBehalfOf } },
    parts.signer,
    parts.crypto,
  );
  return new TextDecoder().decode(entry);
}

function invalidDraft(error: z.ZodError): NotariumError {
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    return new NotariumError('record-unknown-field', issue.keys.join(', ').slice(0, 200), {
      data: { fields: issue.keys },
    });
  }
  const field = String(issue.path[0] ?? '');
  return new NotariumError('record-invalid', `${field || 'draft'}: ${issue.message}`, { data: { field } });
}
