import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../../test/support/centreProcess.ts';
import { type Consortium, startConsortium } from '../../test/support/consortium.ts';
import { s3Credentials, type TestS3 } from '../../test/support/s3.ts';
import { until } from '../../test/support/until.ts';
import type { ActivityPlace } from './activityRequests.ts';

const meetLimitMs = 180_000;
// Centres asked without a pause would have no time for anything else.
const lookMs = 100;
// A start goes on for a moment after it: compilers, connections, first looks.
const settleMs = 10_000;

/** Real centre processes that can have activities together, on one machine with one chain. */
export class ActivityCentres {
  readonly places: readonly ActivityPlace[];
  readonly #consortium: Consortium;

  private constructor(consortium: Consortium, places: readonly ActivityPlace[]) {
    this.#consortium = consortium;
    this.places = places;
  }

  /**
   * Starts them, and waits until each is connected to all others.
   * @param s3 Where each keeps its attachments, under a prefix of its own; in its data folder without it.
   */
  static async start(count: number, periodSeconds: number, s3?: TestS3): Promise<ActivityCentres> {
    const idle = Array.from({ length: count }, (_, index) => index);
    const consortium = await startConsortium({ centres: count, periodSeconds, graceSeconds: 120, idle });
    await Promise.all(consortium.members.map((member, index) => member.start({ env: envOf(index, s3) })));
    await until(
      'everybody connected with everybody',
      async () => {
        await sleep(lookMs);
        const all = await Promise.all(consortium.members.map(({ url }) => statusOf(url)));
        return all.every(({ peers }) => peers.filter(({ connected }) => connected).length === count - 1);
      },
      meetLimitMs,
    );
    await sleep(settleMs);
    const places = consortium.members.map(async ({ url, address, dataDir, process }): Promise<ActivityPlace> => {
      const key = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
      const arrivals = join(dataDir, 'activities', address, 'attachments.arriving');
      return { url, address, key, pid: process.pid, arrivals };
    });
    return new ActivityCentres(consortium, await Promise.all(places));
  }

  async close(): Promise<void> {
    // A profiler writes what it has found at an orderly end only.
    await Promise.all(this.#consortium.members.map((member) => member.stop()));
    await this.#consortium[Symbol.asyncDispose]();
  }
}

function envOf(index: number, s3: TestS3 | undefined): Record<string, string> {
  if (!s3) return {};
  return {
    NOTARIUM_ATTACHMENTS_URL: s3.url(`centre-${index + 1}`),
    NOTARIUM_S3_ACCESS_KEY_ID: s3Credentials.accessKeyId,
    NOTARIUM_S3_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  };
}
