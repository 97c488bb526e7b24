import type { Hash } from '../../../core/bytes.ts';
import { isNotariumError } from '../../../core/errors.ts';
import { gate } from '../../../lib/gate.ts';
import type { FoundEvidence } from './evidence.ts';
import { prepareEvidence } from './prepareEvidence.ts';
import type { SendQueue } from './SendQueue.ts';
import type { SentOutcome } from './sendFiles.ts';

/** What {@link sendEach} works with. */
export type SendEachParts = {
  readonly queue: SendQueue;
  /** Folder for contents that come as streams. */
  readonly spool: string;
  readonly signal?: AbortSignal | undefined;
};

/** Contents that are hashed, or written down, side by side. */
const mostHashed = 4;
/** Taken from the source and not through yet: enough for one go under way and one that gathers. */
const mostFlying = 8192;
/** Contents of the caller's that are held in memory. */
const mostHeldBytes = 64 << 20;

type Flying = { readonly outcome: Promise<SentOutcome>; readonly heldBytes: number };

/**
 * Has contents preserved as they come, and tells of each in its order as soon as it is through. Takes no more from the source than it
 * can send, so that memory stays bounded however many there are. What has failed is sent again by giving it again.
 * @throws NotariumError of the ledger; what the source throws; the signal's reason.
 */
export async function* sendEach(
  parts: SendEachParts,
  source: AsyncGenerator<FoundEvidence, void, void>,
): AsyncGenerator<SentOutcome, void, void> {
  const { signal } = parts;
  const hashing = gate(mostHashed);
  const flying: Flying[] = [];
  let heldBytes = 0;
  const take = (): Promise<IteratorResult<FoundEvidence, void>> => handled(source.next());
  let next: ReturnType<typeof take> | undefined = take();
  const over = new AbortController();
  const aborted = signal && handled(abortOf(signal, over.signal));
  try {
    while (next || flying.length > 0) {
      const [first] = flying;
      const room = flying.length < mostFlying && (heldBytes < mostHeldBytes || flying.length === 0);
      const found = await Promise.race([
        ...(next && room ? [next.then((taken) => ({ taken }))] : []),
        ...(first ? [first.outcome.then((outcome) => ({ outcome }))] : []),
        ...(aborted ? [aborted] : []),
      ]);
      if ('outcome' in found) {
        flying.shift();
        heldBytes -= first!.heldBytes;
        yield found.outcome;
      } else if (found.taken.done) next = undefined;
      else {
        const one = send(parts, found.taken.value, hashing);
        flying.push(one);
        heldBytes += one.heldBytes;
        next = take();
      }
    }
  } finally {
    over.abort();
    // Not awaited: a source that waits for its next content cannot be ended.
    void handled(source.return());
  }
}

function send(parts: SendEachParts, found: FoundEvidence, hashing: ReturnType<typeof gate>): Flying {
  if ('error' in found) {
    const { path, error } = found;
    return { outcome: Promise.resolve({ path, status: 'failed', error }), heldBytes: 0 };
  }
  const { content } = found;
  const outcome = handled(
    (async (): Promise<SentOutcome> => {
      let digest: Hash | undefined;
      try {
        const { file, release } = await hashing(() => prepareEvidence(found, parts.spool, parts.signal));
        digest = file.digest;
        try {
          return await parts.queue.push(file);
        } finally {
          await release();
        }
      } catch (error) {
        if (digest !== undefined || !isNotariumError(error)) throw error;
        return { path: nameOf(found.name, content), status: 'failed', error };
      }
    })(),
  );
  return { outcome, heldBytes: content instanceof Uint8Array ? content.length : 0 };
}

function nameOf(name: string | undefined, content: unknown): string {
  return name ?? (typeof content === 'string' || content instanceof URL ? `${content}` : 'a stream');
}

/** Its failure is seen by whoever awaits it; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Never resolves. @param over Ends the listening. */
function abortOf(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over });
  });
}
