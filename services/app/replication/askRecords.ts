import type { Address } from '../../core/bytes.ts';
import { concat } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { decodeEntries } from '../../core/log/entryBundle.ts';
import type { Net, RequestOptions } from '../../net/Net.ts';
import { maxIdsOfRequest, packedFrames, protocols } from './wire.ts';

const answerPoints = 25;

/** Blames a peer for an answer that it can only give on purpose, or by a fault of its own; the error says it too. */
export function wrongAnswer(net: Pick<Net, 'blame'>, peer: Address, detail: string): NotariumError {
  net.blame(peer, 'answer-invalid', answerPoints);
  return new NotariumError('peer-answer-invalid', detail, { data: { peer } });
}

/**
 * Entries of records by id, as the peer gives them: some may be missing, and none has been checked.
 * @throws NotariumError `peer-answer-invalid` for more than was asked for: the peer could send without end.
 */
export async function* askRecords(
  net: Pick<Net, 'request' | 'blame'>,
  peer: Address,
  ids: readonly Uint8Array[],
  options: RequestOptions,
): AsyncGenerator<Uint8Array[]> {
  for (let start = 0; start < ids.length; start += maxIdsOfRequest) {
    const some = ids.slice(start, start + maxIdsOfRequest);
    let left = some.length;
    for await (const bundle of net.request(peer, protocols.records, packedFrames(concat(...some)), options)) {
      const entries = entriesIn(net, peer, bundle);
      left -= entries.length;
      if (entries.length === 0 || left < 0) throw wrongAnswer(net, peer, 'more records than were asked for');
      yield entries;
    }
  }
}

function entriesIn(net: Pick<Net, 'blame'>, peer: Address, bundle: Uint8Array): Uint8Array[] {
  try {
    return decodeEntries(bundle);
  } catch {
    throw wrongAnswer(net, peer, 'not an entry bundle');
  }
}
