import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '../../services/cli/shellWord.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { Notarium } from '../../services/index.ts';
import { type LocalCentre, startLocalCentre } from './localCentre.ts';
import { type CentrePlace, nextStepsOf } from './nextStepsOf.ts';
import type { RunningChain } from './startChain.ts';
import { stopping } from './stopping.ts';
import { untilConnected } from './untilConnected.ts';

const meetLimitMs = 60_000;

/**
 * Runs centres until all is to stop, and stops them. One that does not come up has said why on stderr, and its exit code is
 * that of this process. Of several that run one may end: the others go on.
 * @throws NotariumError `internal` when the chain or the last centre ends by itself, naming it; the reason of
 *   {@link stopping} while they come up.
 */
export async function runCentres(
  places: readonly CentrePlace[],
  options: { readonly say: (line?: string) => void; readonly chain?: RunningChain | undefined },
): Promise<void> {
  const { say, chain } = options;
  const isAlone = places.length === 1;
  say(isAlone ? 'Starting the centre …' : `Starting ${places.length} centres …`);
  const centres = new Map<string, LocalCentre>();
  try {
    for (const group of startedTogether(places)) {
      const started = await Promise.all(
        group.map(async (place) => {
          const { name } = place;
          const many = isAlone ? {} : { label: name, threads: threadsOfEach(places.length) };
          const centre = await startLocalCentre({ ...place, ...many, signal: stopping });
          if (centre) centres.set(name, centre);
          return { name, centre };
        }),
      );
      stopping.throwIfAborted();
      const failed = started.filter(({ centre }) => centre === undefined).map(({ name }) => name);
      if (failed.length > 0) {
        if (!isAlone) process.stderr.write(`\n✘ not started: ${failed.join(', ')}; see above\n`);
        return;
      }
    }
    const isOver = new AbortController();
    const over = Promise.race([
      once(stopping, 'abort').then(() => undefined),
      Promise.all(
        places.map(async (place) => {
          await centres.get(place.name)!.ended;
          if (!isAlone && !stopping.aborted && !isOver.signal.aborted) process.stderr.write(endedText(place));
        }),
      ).then(() => (isAlone ? 'the centre' : 'the last centre')),
      ...(chain ? [chain.ended.then(() => 'the chain')] : []),
    ]).finally(() => isOver.abort());
    if (!isAlone) await meet(centres, isOver.signal);
    if (!isOver.signal.aborted) {
      say(
        nextStepsOf(
          places.map((place) => ({ ...place, pid: centres.get(place.name)!.child.pid })),
          chain,
        ),
      );
      await warnOfProblems(centres, isOver.signal);
    }
    const ended = await over;
    if (ended !== undefined && !stopping.aborted) {
      throw new NotariumError('internal', `${ended} ended by itself; see above`);
    }
    say(`\nStopping: the centre${isAlone ? '' : 's'} first, then the chain …`);
  } finally {
    await Promise.all([...centres.values()].map((centre) => centre.stop()));
  }
}

/** What says that a centre has ended, and how it comes back: by hand, as it may have been ended so. */
function endedText({ name, dataDir, port, rpcUrl, contract }: CentrePlace): string {
  const [data, password] = [dataDir, join(dataDir, 'password')].map(shellWord);
  return [
    `\n${name} has ended by itself; the others go on as long as they are enough. Start it again, in another terminal:`,
    `  npx notarium node --data ${data} --password-file ${password} \\`,
    `    --rpc ${rpcUrl} --contract ${contract} --port ${port} --no-rate-limit\n`,
  ].join('\n');
}

/** What is pasted next must find a quorum. Who is not connected in time is named, and goes on trying. */
async function meet(centres: ReadonlyMap<string, LocalCentre>, signal: AbortSignal): Promise<void> {
  const named = [...centres].map(([name, { url }]) => ({ name, url }));
  const missing = await untilConnected(named, { limitMs: meetLimitMs, signal });
  if (missing.length === 0 || signal.aborted) return;
  process.stderr.write(`\nwarning: after ${meetLimitMs / 1000} s ${missing.join('; ')}\n`);
}

/** "Notarium is running" alone would mislead where a centre takes no records, or seals none. */
async function warnOfProblems(centres: ReadonlyMap<string, LocalCentre>, signal: AbortSignal): Promise<void> {
  for (const [name, { url }] of centres) {
    // A centre that does not answer has ended, or is stopped: that is told otherwise.
    const status = await new Notarium({ url }).status({ signal }).catch(() => undefined);
    for (const { code, detail } of status?.problems ?? []) {
      process.stderr.write(`\nwarning: ${name} is not ready: ${code}: ${detail}\n`);
    }
  }
}

/** Opening a keystore takes a processor and 128 MiB for some time: not all at once. */
function startedTogether(places: readonly CentrePlace[]): CentrePlace[][] {
  const size = Math.max(2, availableParallelism());
  return Array.from({ length: Math.ceil(places.length / size) }, (_, at) => places.slice(size * at, size * (at + 1)));
}

/** The processors are shared; more threads than there are would only take memory. */
function threadsOfEach(centres: number): number {
  return Math.max(1, Math.floor(availableParallelism() / centres));
}
