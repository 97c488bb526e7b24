/** One line of the result: a figure, what it is wanted to be, and what was measured beside it in the same run. */
export type Row = {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What the project asks of it. */
  readonly target?: { readonly atLeast?: number; readonly atMost?: number };
  /** A peer, or the limit that the machine sets, measured in the same run and in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  readonly note?: string;
};

/** Whether a row meets its target; undefined where it has none. */
export function isMet({ value, target }: Row): boolean | undefined {
  if (!target) return undefined;
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = target;
  return value >= atLeast && value <= atMost;
}

/** The middle one of several values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
