import type { z } from 'zod';
import { networkName } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { signRecord } from '../core/record.ts';
import { unsignedRecordSchema } from '../core/recordSchema.ts';
import type { CentreParts } from './CentreParts.ts';

const draftSchema = unsignedRecordSchema
  .pick({ kind: true, subject: true, digest: true, time: true, expires: true, meta: true })
  .partial({ time: true });

/**
 * Signs a draft for a client without a key pair: the centre is the submitter, and `meta.onBehalfOf` names the client.
 * Gives the record's JSON text.
 * @throws NotariumError `record-invalid`, `record-unknown-field` and the others of a record.
 */
export async function signDraft(parts: CentreParts, draft: unknown, onBehalfOf: string): Promise<string> {
  const parsed = draftSchema.safeParse(draft);
  if (!parsed.success) throw invalidDraft(parsed.error);
  const { time = new Date(parts.clock.nowMs()).toISOString(), meta, ...rest } = parsed.data;
  if (meta && 'onBehalfOf' in meta) throw new NotariumError('record-invalid', 'meta.onBehalfOf is set by the centre');
  const { entry } = await signRecord(
    { v: 1, network: networkName(parts.network), ...rest, time, meta: { ...meta, onBehalfOf } },
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
