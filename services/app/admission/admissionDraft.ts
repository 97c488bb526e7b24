import type { NodeApplication } from '../../chain/RegistryNode.ts';
import { type Figure, figures } from '../../core/admission/measured.ts';
import type { Location, Report } from '../../core/admission/report.ts';
import type { Address } from '../../core/bytes.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';

/**
 * Text of the proposal to admit a candidate: all that a reviewer needs, and nothing that changes, so that the same application is
 * the same proposal. What the candidate says stands last, each line marked: it cannot pass itself off as the rest.
 */
export function admissionDraft(report: Report, application: NodeApplication, rules: AdmissionRules): string {
  const { candidate, entry, authenticator, time, location, measured, statement } = report;
  const { name, expiry, score, profileDigest } = application;
  const found = (Object.keys(figures) as Figure[]).flatMap((figure) => {
    const have = measured[figure];
    const { check, minimum, unit } = figures[figure];
    return have === undefined ? [] : [`- ${check}: ${have} ${unit}, at least ${rules[minimum]}`];
  });
  const lines = [
    `${candidate} has applied to become a centre at ${entry.endpoint}.`,
    '',
    `Measured by ${authenticator} at ${time}:`,
    ...found,
    `- score: ${score}, at least ${rules.minScore}`,
    `Location of its address: ${locationText(location)}.`,
    `Report: sha-256:${profileDigest.slice(2)}`,
    `Application: ${name}, good until ${new Date(1000 * expiry).toISOString()}`,
    '',
    'Its operator says:',
    ...statement.split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/).map((line) => `> ${line}`),
  ];
  return JSON.stringify({
    kind: 'admission',
    title: `Admit ${entry.name}`,
    text: lines.join('\n'),
    effect: { steps: [{ do: 'admit', account: candidate, application: name as Address }] },
  });
}

function locationText({ country, network, systemNumber, systemName }: Location): string {
  const system = systemNumber === undefined ? undefined : `AS${systemNumber}`;
  const known = [country, network, system, systemName].filter((part) => part !== undefined);
  return known.length === 0 ? 'unknown' : known.join(', ');
}
