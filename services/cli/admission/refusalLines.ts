import type { NotariumError } from '../../core/errors.ts';
import { figureText } from './profileTexts.ts';

/** What a refusal says in its data, for people: the check, both figures, the place, and when to try again. */
export function refusalLines({ code, data }: NotariumError): string[] {
  const { check, field, have, want, unit, location, retryAt } = data;
  const isContradiction = code === 'profile-contradicts';
  // What other codes have and want is in their sentence.
  const isMeasured = isContradiction || unit !== undefined;
  const lines: [string, string | undefined][] = [
    ['check', text(check)],
    ['figure', isContradiction ? text(field) : undefined],
    [isContradiction ? 'reported' : 'measured', isMeasured ? amount(have, unit) : undefined],
    [isContradiction ? 'measured' : 'required', isMeasured ? amount(want, unit) : undefined],
    ['location', placeText(location)],
    ['again from', text(retryAt)],
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(10)} ${value}`]));
}

/** Country and network of a location as a report has it. */
export function placeText(location: unknown): string | undefined {
  if (typeof location !== 'object' || location === null) return undefined;
  const { country, network, systemNumber, systemName } = location as Record<string, unknown>;
  const system = systemNumber === undefined ? undefined : `AS${String(systemNumber)} ${text(systemName) ?? ''}`.trim();
  const parts = [text(country) ?? 'country unknown', text(network), system];
  return parts.filter((part) => part !== undefined).join(', ');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function amount(value: unknown, unit: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? `${figureText(value)} ${text(unit) ?? ''}`.trimEnd() : undefined;
}
