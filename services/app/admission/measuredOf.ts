import { type Figure, figures, type Measured } from '../../core/admission/measured.ts';
import type { Check, Packet } from '../../core/admission/packet.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';

/** A packet, and how long its answer took. */
export type Timed = { readonly packet: Packet; readonly elapsedMs: number };

/** What the way to the candidate takes is not its machine's fault; but it could say anything of its way. */
const mostRoundTripMs = 250;
/** No clock of a network is finer. */
const leastMs = 1;

/** Figures that follow from the packets answered so far, of those that the rules have a minimum for. */
export function measuredOf(answered: readonly Timed[], rules: AdmissionRules): Partial<Measured> {
  const first = answered.find(({ packet }) => packet.check === 'manifest');
  if (!first) return {};
  const measured: { -readonly [Name in keyof Measured]?: number } = { roundTripMs: rounded(first.elapsedMs) };
  for (const [figure, { check, minimum }] of Object.entries(figures) as [Figure, (typeof figures)[Figure]][]) {
    const packets = answered.filter(({ packet }) => packet.check === check);
    if (rules[minimum] === 0 || packets.length === 0) continue;
    const freeMs = Math.min(first.elapsedMs, mostRoundTripMs);
    const ms = packets.reduce((sum, { elapsedMs }) => sum + workMs(elapsedMs, freeMs), 0);
    const work = packets.reduce((sum, { packet }) => sum + workOf(packet, answered), 0);
    measured[figure] = rounded((work * unitMs(check)) / ms);
  }
  return measured;
}

/** At least half of the time is work: the way is not the same twice, and next to nothing would be left of short work. */
const workMs = (elapsedMs: number, freeMs: number): number => Math.max(leastMs, elapsedMs / 2, elapsedMs - freeMs);

/** In the unit of the figure. */
function workOf(packet: Packet, answered: readonly Timed[]): number {
  switch (packet.check) {
    case 'manifest':
      return 0;
    case 'hashing':
      return packet.checkpoints * packet.checkpointEvery;
    case 'memory':
      return packet.passes;
    case 'disk-write':
      return packet.mebibytes;
    case 'disk-read':
      return answered.reduce((sum, each) => sum + (each.packet.check === 'disk-write' ? each.packet.mebibytes : 0), 0);
  }
}

const unitMs = (check: Check): number => (check === 'memory' ? 60_000 : 1_000);

/** Down, so that nobody has a minimum by rounding; two decimals say all that such a measurement can. */
const rounded = (figure: number): number => Math.floor(100 * figure) / 100;
