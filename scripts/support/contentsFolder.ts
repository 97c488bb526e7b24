import { join } from 'node:path';
import { type Hash, toHex } from '../../services/core/bytes.ts';
import { isNotariumError, NotariumError } from '../../services/core/errors.ts';
import { maxConfigurationBytes } from '../../services/core/governance/configuration.ts';
import { CentreHttp } from '../../services/lib/client/CentreHttp.ts';
import { getContent } from '../../services/lib/client/getContent.ts';
import { isMissingFile, readSmallFile } from '../../services/lib/readSmallFile.ts';
import { writeFileWhole } from '../../services/lib/writeFileWhole.ts';
import type { GovernanceNetwork } from './governanceNetwork.ts';

const timeoutMs = 5_000;

/** Keeps a content or configuration beside the deployment file. @returns the file. */
export async function keepContent({ contentsDir }: GovernanceNetwork, hash: Hash, bytes: Uint8Array): Promise<string> {
  const path = fileOf(contentsDir, hash);
  await writeFileWhole(path, Buffer.from(bytes).toString());
  return path;
}

/**
 * A content or configuration by its hash: from the folder beside the deployment file, else from any centre of the registry.
 * @throws NotariumError `content-unavailable`, `file-unreadable`.
 */
export async function findContent(network: GovernanceNetwork, hash: Hash): Promise<Uint8Array> {
  const { contentsDir, crypto, chain } = network;
  try {
    const bytes = await readSmallFile(fileOf(contentsDir, hash), { maxBytes: maxConfigurationBytes });
    if (toHex(crypto.sha256(bytes)) === hash) return bytes;
  } catch (error) {
    if (!isMissingFile(error)) throw error;
  }
  const answers: Record<string, string> = {};
  for (const { endpoint, status } of await chain.nodes()) {
    if (status !== 'active') continue;
    try {
      const http = new CentreHttp({ url: endpoint, backOff: { tries: 1, firstDelayMs: 0, maxDelayMs: 0 } });
      const bytes = await getContent(http, hash, crypto, { signal: AbortSignal.timeout(timeoutMs) });
      await keepContent(network, hash, bytes);
      return bytes;
    } catch (error) {
      const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
      if (!isNotariumError(error) && !isTimeout) throw error;
      answers[endpoint] = isNotariumError(error) ? error.code : 'server-unreachable';
    }
  }
  throw new NotariumError('content-unavailable', `${hash}, neither in ${contentsDir}`, { data: { hash, answers } });
}

function fileOf(folder: string, hash: Hash): string {
  return join(folder, `sha-256-${hash.slice(2)}.json`);
}
