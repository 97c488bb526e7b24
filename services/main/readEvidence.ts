import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EvidenceReader } from '../cli/CliActions.ts';
import type { Settings } from '../cli/settings.ts';
import { fromHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { checkEvidence } from '../store/channels/checkEvidence.ts';
import { EvidenceVault } from '../store/channels/EvidenceVault.ts';

/**
 * The evidence of channels in a data folder or bucket, for reading: the verifier may be running.
 * @throws NotariumError `evidence-not-found` when there is none, `config-invalid`, `storage-failed`.
 */
export async function readEvidence(
  settings: Pick<Settings, 'data' | 'evidenceUrl' | 's3AccessKeyId' | 's3SecretAccessKey'>,
): Promise<EvidenceReader> {
  const { data, evidenceUrl: url, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = settings;
  const folder = join(data, 'channels', 'evidence');
  if (url === undefined && !existsSync(folder)) {
    throw new NotariumError('evidence-not-found', `${folder} does not exist`, { data: { path: folder } });
  }
  const s3 = accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey } : undefined;
  const vault = await EvidenceVault.open({ folder, url, s3, reading: true });
  return {
    open: (digest, key) => vault.open(fromHex(digest), { key }),
    async *list(digests) {
      if (digests.length === 0) yield* vault.list();
      for (const digest of digests) yield* await vault.filesOf(fromHex(digest));
    },
    check: (file, key) => checkEvidence(vault, file, key),
  };
}
