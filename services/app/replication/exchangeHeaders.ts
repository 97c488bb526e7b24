import type { Address } from '../../core/bytes.ts';
import type { SignedHeader } from '../../core/equivocation.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ReplicationParts } from './ReplicationParts.ts';
import {
  firstFrame,
  headersOfFrame,
  headersQuerySchema,
  headersSchema,
  jsonFrame,
  protocols,
  readJson,
} from './wire.ts';

const timeoutMs = 10_000;
// Far more than two of each slot that is remembered.
const maxFrames = 64;

/** Gives the headers that publishers have shown here to centres that may have been shown others. */
export function serveHeaders({ net, seen }: Pick<ReplicationParts, 'net' | 'seen'>): void {
  net.handle(protocols.headers, async function* (frames) {
    const { fromSlot } = readJson(headersQuerySchema, (await firstFrame(frames)).first);
    const headers = seen.since(fromSlot);
    for (let start = 0; start < headers.length; start += headersOfFrame) {
      yield jsonFrame(headers.slice(start, start + headersOfFrame));
    }
  });
}

/**
 * What a peer has been shown since a slot. @throws NotariumError `peer-answer-invalid`, `peer-unreachable`, `peer-timeout`.
 */
export async function* askHeaders(
  { net }: Pick<ReplicationParts, 'net'>,
  peer: Address,
  fromSlot: number,
  signal: AbortSignal,
): AsyncGenerator<readonly SignedHeader[]> {
  let count = 0;
  for await (const frame of net.request(peer, protocols.headers, [jsonFrame({ fromSlot })], { timeoutMs, signal })) {
    if (++count > maxFrames) throw new NotariumError('peer-answer-invalid', 'too many headers');
    yield readJson(headersSchema, frame);
  }
}
