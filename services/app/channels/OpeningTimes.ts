import { appendFile, readFile } from 'node:fs/promises';
import type { Hash } from '../../core/bytes.ts';

const line = /^(0x[0-9a-f]{64}) ([0-9]{1,15})$/;

/**
 * When channels were opened, Unix seconds by the chain. What was asked once stands in a file, a line for each channel: a start need not ask
 * the chain about all of them again. Nothing is lost with the file.
 */
export class OpeningTimes {
  readonly #path: string;
  readonly #ask: (channelId: Hash) => Promise<number | undefined>;
  readonly #known: Map<Hash, number>;

  private constructor(path: string, ask: (channelId: Hash) => Promise<number | undefined>, known: Map<Hash, number>) {
    this.#path = path;
    this.#ask = ask;
    this.#known = known;
  }

  /** @param ask The chain's answer; undefined where it does not know the channel. */
  static async open(path: string, ask: (channelId: Hash) => Promise<number | undefined>): Promise<OpeningTimes> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const known = text.split('\n').flatMap((one): [Hash, number][] => {
      const found = line.exec(one);
      return found ? [[found[1] as Hash, Number(found[2])]] : [];
    });
    return new OpeningTimes(path, ask, new Map(known));
  }

  /** A channel whose opening the chain does not have has an infinite time: it is not too old. */
  async of(channelId: Hash): Promise<number> {
    const known = this.#known.get(channelId);
    if (known !== undefined) return known;
    const asked = await this.#ask(channelId);
    if (asked === undefined) return Number.POSITIVE_INFINITY;
    this.#known.set(channelId, asked);
    // A line of its own also after half of one that a kill has left.
    await appendFile(this.#path, `\n${channelId} ${asked}`, { mode: 0o600 });
    return asked;
  }
}
