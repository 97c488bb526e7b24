import { z } from 'zod';
import type { AdmissionRules } from '../governance/proposalContent.ts';
import type { Check } from './packet.ts';
import type { Reported } from './reported.ts';

const figure = z.number().min(0).max(1e12);

/** What an authenticator measured: from when it sent a packet to when it had the answer. Left out is what the rules do not ask for. */
export const measuredSchema = z.strictObject({
  /** Of a packet that takes no work. */
  roundTripMs: figure,
  hashesPerSecond: figure.optional(),
  memoryPassesPerMinute: figure.optional(),
  writtenMiBPerSecond: figure.optional(),
  readMiBPerSecond: figure.optional(),
});

/** See {@link measuredSchema}. */
export type Measured = z.infer<typeof measuredSchema>;

/** A figure that is measured and has a minimum. */
export type Figure = Exclude<keyof Measured, 'roundTripMs'>;

/** Each figure: the check that it comes from, its minimum among the rules, and its unit. */
export const figures = {
  hashesPerSecond: { check: 'hashing', minimum: 'minHashesPerSecond', unit: 'hashes/s' },
  memoryPassesPerMinute: { check: 'memory', minimum: 'minMemoryPassesPerMinute', unit: 'passes/min' },
  writtenMiBPerSecond: { check: 'disk-write', minimum: 'minWrittenMiBPerSecond', unit: 'MiB/s' },
  readMiBPerSecond: { check: 'disk-read', minimum: 'minReadMiBPerSecond', unit: 'MiB/s' },
} as const satisfies Record<Figure, { check: Check; minimum: keyof AdmissionRules; unit: string }>;

const figureNames = Object.keys(figures) as Figure[];

/** Greatest score: a hundred times the minimum of everything. */
export const maxScore = 10_000;
/** Score of a node that has exactly the minimum of something, and of all else more. */
export const minimumScore = 100;

/** A figure below its minimum. */
export type Shortfall = { readonly figure: Figure; readonly have: number; readonly want: number };

/** The first figure that is below its minimum, or missing. */
export function shortfallOf(measured: Measured, rules: AdmissionRules): Shortfall | undefined {
  for (const figure of figureNames) {
    const want = rules[figures[figure].minimum];
    const have = measured[figure] ?? 0;
    if (have < want) return { figure, have, want };
  }
  return undefined;
}

/** A hundred times the least ratio of a figure to its minimum, rounded down, at most {@link maxScore}. */
export function scoreOf(measured: Measured, rules: AdmissionRules): number {
  let score = maxScore;
  for (const figure of figureNames) {
    const want = rules[figures[figure].minimum];
    if (want > 0) score = Math.min(score, Math.floor((minimumScore * (measured[figure] ?? 0)) / want));
  }
  return score;
}

/**
 * How far two measurements of one machine may be apart: it has other work too, and the way to an authenticator takes its time.
 */
export const maxFactor = 4;
/**
 * Up to so many times the minimum that holds; above that they may be further apart by the square of how much it is above. The work of a packet takes
 * a second or two at the minimum: the shorter it is, the more of its time is the moment's load and the way.
 */
export const preciseUpTo = 2;
/** However short the work was. */
export const mostFactor = 100;

/** What a node says of itself that its measurements do not bear out. */
export type Contradiction = { readonly field: keyof Reported; readonly reported: number; readonly measured: number };

/** The first contradiction between what a node says and what was measured by these rules; it has just held the memory of a pass at once. */
export function contradictionOf(
  reported: Reported,
  measured: Measured,
  rules: AdmissionRules,
): Contradiction | undefined {
  for (const figure of figureNames) {
    const said = reported[figure];
    const found = measured[figure];
    if (said === undefined || found === undefined) continue;
    if (areApart(figure, said, found, rules)) return { field: figure, reported: said, measured: found };
  }
  const heldBytes = measured.memoryPassesPerMinute === undefined ? 0 : rules.memoryMiB * 2 ** 20;
  if (reported.memoryBytes !== undefined && reported.memoryBytes < heldBytes) {
    return { field: 'memoryBytes', reported: reported.memoryBytes, measured: heldBytes };
  }
  return undefined;
}

/** The first figure in which two measurements of one node, by the same rules, are further apart than they may be. */
export function disagreementOf(one: Measured, other: Measured, rules: AdmissionRules): Figure | undefined {
  return figureNames.find((figure) => {
    const [a, b] = [one[figure], other[figure]];
    return a === undefined ? b !== undefined : b === undefined || areApart(figure, a, b, rules);
  });
}

function areApart(figure: Figure, one: number, other: number, rules: AdmissionRules): boolean {
  const least = Math.min(one, other);
  const above = Math.max(1, least / (preciseUpTo * rules[figures[figure].minimum]));
  return Math.max(one, other) > Math.min(mostFactor, maxFactor * above ** 2) * least;
}
