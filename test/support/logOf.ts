import type { RecordId } from '../../services/core/bytes.ts';
import { decodeEntries } from '../../services/core/log/entryBundle.ts';
import { parseEntry } from '../../services/core/record.ts';
import { statusOf } from './centreProcess.ts';
import { crypto } from './recordKit.ts';

/** Entries of the log of a centre, in order, read from its entry bundles over HTTP. */
export async function loggedEntries(url: string): Promise<Uint8Array[]> {
  const { log } = await statusOf(url);
  const entries: Uint8Array[] = [];
  for (let index = 0; index * 256 < log.size; index++) {
    const width = Math.min(256, log.size - index * 256);
    const name = String(index).padStart(3, '0');
    const response = await fetch(`${url}/log/tile/entries/${name}${width === 256 ? '' : `.p/${width}`}`);
    if (response.status !== 200) throw new Error(`tile ${index}: HTTP ${response.status}`);
    entries.push(...decodeEntries(new Uint8Array(await response.arrayBuffer())));
  }
  if (entries.length !== log.size) throw new Error(`${entries.length} entries in a log of ${log.size}`);
  return entries;
}

/** Ids of all records in the log of a centre, in order. */
export async function loggedIds(url: string): Promise<RecordId[]> {
  return (await loggedEntries(url)).map((entry) => parseEntry(entry, { crypto }).id);
}

/** What is wrong with a log that should hold each of these records once: nothing, in a good one. */
export async function logFaults(url: string, acknowledged: Iterable<RecordId>): Promise<Record<string, RecordId[]>> {
  const ids = await loggedIds(url);
  const inLog = new Set(ids);
  const lost = [...acknowledged].filter((id) => !inLog.has(id));
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index && inLog.size < ids.length);
  return { ...(lost.length > 0 ? { lost } : {}), ...(twice.length > 0 ? { twice } : {}) };
}
