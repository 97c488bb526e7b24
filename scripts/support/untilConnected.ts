import type { Address } from '../../services/core/bytes.ts';
import { Notarium } from '../../services/index.ts';
import { systemClock } from '../../services/lib/clock.ts';

const lookMs = 100;
const answerMs = 3_000;

/** A running centre by its name. */
export type NamedCentre = { readonly name: string; readonly url: string };

type Seen = NamedCentre & { readonly address?: Address; readonly connected: ReadonlySet<Address> };

/**
 * Waits until each of the centres is connected with all others.
 * @returns who is missing when the time is up or the signal aborts, a sentence a centre; nothing when all are connected.
 */
export async function untilConnected(
  centres: readonly NamedCentre[],
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<string[]> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const missing = missingOf(await Promise.all(centres.map((centre) => seenBy(centre, signal))));
    if (missing.length === 0 || signal.aborted || performance.now() >= endMs) return missing;
    await systemClock.sleep(lookMs, signal);
  }
}

async function seenBy(centre: NamedCentre, signal: AbortSignal): Promise<Seen> {
  const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) };
  try {
    const status = await new Notarium({ url: centre.url }).status(options);
    const connected = (status.peers ?? []).filter((peer) => peer.connected).map(({ address }) => address);
    return { ...centre, address: status.centre, connected: new Set(connected) };
  } catch {
    return { ...centre, connected: new Set() };
  }
}

function missingOf(all: readonly Seen[]): string[] {
  return all.flatMap(({ name, address, connected }) => {
    if (address === undefined) return [`${name} does not answer`];
    const others = all.filter((other) => other.address !== undefined && other.address !== address);
    const lacks = others.filter((other) => !connected.has(other.address!)).map((other) => other.name);
    return lacks.length === 0 ? [] : [`${name} is not connected with ${lacks.join(', ')}`];
  });
}
