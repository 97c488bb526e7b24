import type { RecordId } from '../../../services/core/bytes.ts';
import { postBatch } from '../centreApi.ts';
import type { Consortium } from '../consortium.ts';
import { randomSigner, signedRecord } from '../recordKit.ts';
import { until } from '../until.ts';

// Two, so that one still works while the other waits for a centre that stands still.
const clients = 2;

/** Clients that post to all centres without a pause, and remember what was acknowledged. */
export class Load {
  readonly acknowledged = new Set<RecordId>();
  readonly #consortium: Consortium;
  readonly #perBatch: number;
  readonly #signer = randomSigner();
  readonly #stop = new AbortController();
  readonly #clients: Promise<void>[];
  #made = 0;

  /** Each client posts so many records in a batch, five batches a second at most: each batch costs all centres more than its records do. */
  constructor(consortium: Consortium, perBatch: number) {
    this.#consortium = consortium;
    this.#perBatch = perBatch;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(2 * index));
  }

  /** Waits until so many records more have been acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    await until(`${count} acknowledgements`, () => this.acknowledged.size >= goal);
  }

  /** Ends the clients; resolves when none of them waits for an answer any more. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#clients);
  }

  async #client(first: number): Promise<void> {
    const { members, network } = this.#consortium;
    for (let at = first; !this.#stop.signal.aborted; at++) {
      const member = members[at % members.length]!;
      const records = await Promise.all(
        Array.from({ length: this.#perBatch }, () => signedRecord(network, this.#signer, `chaos ${this.#made++}`)),
      );
      try {
        await postBatch(member.url, records, (id) => this.acknowledged.add(id), AbortSignal.timeout(5_000));
      } catch (error) {
        // The centre is gone, or stands still: what was not acknowledged may be lost.
        if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
      }
      // A client that is refused for a while does not ask a thousand times a second.
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}
