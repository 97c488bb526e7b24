import { type EvidencePolicy, readEvidencePolicy } from '../app/channels/evidence/evidencePolicy.ts';
import { readSmallFile } from '../lib/readSmallFile.ts';

const maxPolicyBytes = 1 << 20;

/** The policy in a file. @throws NotariumError `file-unreadable`, `config-invalid`. */
export async function readPolicy(path: string): Promise<EvidencePolicy> {
  return readEvidencePolicy((await readSmallFile(path, { maxBytes: maxPolicyBytes })).toString());
}
