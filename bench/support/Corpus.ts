import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Network } from '../../services/core/eip712.ts';
import { processors, runThread } from './runThread.ts';
import type { SignTask } from './signThread.ts';

/** Submitters of one signing thread: some hundred clients of a centre, each with many records. */
export const submittersPerThread = 50;

/** Signed records in files, made before any clock starts. */
export type Slice = { readonly files: readonly string[]; readonly ids: Uint8Array };

/** Makes signed records with all processors. */
export class Corpus {
  readonly #network: Network;
  readonly #folder: string;
  #files = 0;

  constructor(network: Network, folder: string) {
    this.#network = network;
    this.#folder = folder;
  }

  async sign(count: number): Promise<Slice> {
    const threads = Math.min(processors, 8);
    const tasks = Array.from({ length: threads }, (_, at): SignTask => {
      const number = this.#files++;
      return {
        network: this.#network,
        count: Math.floor((count * (at + 1)) / threads) - Math.floor((count * at) / threads),
        submitters: submittersPerThread,
        linesFile: join(this.#folder, `${number}.ndjson`),
        idsFile: join(this.#folder, `${number}.ids`),
      };
    });
    await Promise.all(tasks.map((task) => runThread(new URL('./signThread.ts', import.meta.url), task)));
    const ids = await Promise.all(tasks.map(({ idsFile }) => readFile(idsFile)));
    return { files: tasks.map(({ linesFile }) => linesFile), ids: new Uint8Array(Buffer.concat(ids)) };
  }
}
