import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import { isMissingFile, readSmallFile } from '../readSmallFile.ts';
import { writeFileWhole } from '../writeFileWhole.ts';
import { asTrustedNetwork, type TrustedNetwork } from './TrustedNetwork.ts';

// As much as the parser takes by default: some thousand committees.
const maxNetworkBytes = 1 << 20;

/**
 * Reads a trusted network file.
 * @throws NotariumError `file-unreadable`, `config-invalid`.
 */
export async function readNetworkFile(path: string): Promise<TrustedNetwork> {
  const text = await readSmallFile(path, { maxBytes: maxNetworkBytes });
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (cause) {
    throw new NotariumError('config-invalid', `${path} is not JSON`, { cause });
  }
  return asTrustedNetwork(value, path);
}

/** Where a folder keeps the file of a network. */
export function networkFilePath(folder: string, network: string): string {
  return join(folder, `${network.replaceAll(':', '-')}.json`);
}

/** The trusted file of a network in a folder, or undefined when there is none. */
export async function findTrustedNetwork(folder: string, network: string): Promise<TrustedNetwork | undefined> {
  const path = networkFilePath(folder, network);
  try {
    return await readNetworkFile(path);
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/** Every trusted network of a folder; none when the folder does not exist. */
export async function listTrustedNetworks(folder: string): Promise<TrustedNetwork[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new NotariumError('file-unreadable', folder, { cause: error });
  }
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(files.map((name) => readNetworkFile(join(folder, name))));
}

/** Writes the trusted file of a network, whole or not at all. */
export async function saveTrustedNetwork(folder: string, trusted: TrustedNetwork): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = networkFilePath(folder, trusted.network);
  await writeFileWhole(path, `${JSON.stringify(trusted, null, 2)}\n`);
  return path;
}
