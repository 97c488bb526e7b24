import { type Figure, figures } from '../../core/admission/measured.ts';
import type { Reported } from '../../core/admission/reported.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { sizeText } from '../Progress.ts';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** A figure for people. */
export function figureText(value: number): string {
  return (value >= 100 ? whole : fine).format(value);
}

/** What a node says of its machine, in one line. */
export function machineText({ system, architecture, processor, cores, memoryBytes }: Reported): string {
  const parts = [
    system,
    architecture,
    processor,
    cores === undefined ? undefined : `${cores} cores`,
    memoryBytes === undefined ? undefined : `${sizeText(memoryBytes)} of memory`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** Each figure with its minimum, a line each. */
export function figureLines(have: Partial<Record<Figure, number | undefined>>, rules: AdmissionRules): string[] {
  const rows = Object.entries(figures) as [Figure, (typeof figures)[Figure]][];
  return rows.flatMap(([figure, { check, minimum, unit }]) => {
    const value = have[figure];
    if (value === undefined) return [];
    return [`${check.padEnd(10)} ${figureText(value)} ${unit} (at least ${figureText(rules[minimum])})`];
  });
}
