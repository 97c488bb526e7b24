import { type Figure, figures } from '../../core/admission/measured.ts';
import type { Report } from '../../core/admission/report.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import type { ApplicationAnswer } from '../../lib/client/admissionAnswers.ts';
import type { ProposalDetail } from '../../lib/client/governanceAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { type GovernanceClient, openReading } from '../governance/GovernanceRun.ts';
import { longState } from '../governance/stateText.ts';
import { timeText } from '../governance/texts.ts';
import { sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { addressFrom } from './addressFrom.ts';
import { figureText } from './profileTexts.ts';
import { placeText } from './refusalLines.ts';

/** `notarium admission show`. */
export async function showApplication(run: Run<CentreFlags>, text: string): Promise<void> {
  const { output, signal } = run;
  const address = addressFrom(text);
  const { client, nameOf } = await openReading(run);
  const application = await client.admissions.application(address, { signal });
  const { proposal: named } = application;
  const proposal = named && (await client.proposals.get(named.proposalId, { signal }));
  const rules = await rulesOf(client, run);
  output.json({ ok: true, application, ...(proposal ? { proposal } : {}), ...(rules ? { rules } : {}) });
  printApplication(run, application, nameOf);
  if (application.report) printProfile(run, application.report, rules);
  printVote(run, application, proposal, nameOf);
}

/** Only an authenticator tells what it measures by. */
async function rulesOf(
  { admissions }: GovernanceClient['client'],
  { signal }: Run<CentreFlags>,
): Promise<AdmissionRules | undefined> {
  try {
    return (await admissions.authenticator({ signal })).rules;
  } catch (error) {
    if (isNotariumError(error, 'authenticator-missing')) return undefined;
    throw error;
  }
}

function printApplication(
  { output }: Run<CentreFlags>,
  application: ApplicationAnswer,
  nameOf: GovernanceClient['nameOf'],
): void {
  const { candidate, name, endpoint, status, appliedAt, expiry, score, report } = application;
  const lines: [string, string | undefined][] = [
    ['name', name],
    ['status', status],
    ['endpoint', endpoint],
    ['application', `${application.application}, of ${timeText(appliedAt)}, good until ${timeText(expiry)}`],
    ['score', `${score} (100: exactly the minimum)`],
    ['report', report ? undefined : `sha-256:${application.profileDigest.slice(2)}, which no centre gives now`],
    ['attested by', report && `${nameOf(report.authenticator)}, ${report.time}`],
    ['location', report && placeText(report.location)],
    ['manifest', report && `sha-256:${report.manifestHash.slice(2)}, proved to hold it`],
    ...(report?.statement ?? '')
      .split(/\r?\n/)
      .map((line, at): [string, string | undefined] => [at === 0 ? 'statement' : '', line === '' ? undefined : line]),
  ];
  output.line(output.paint('strong', candidate));
  for (const [what, value] of lines) if (value !== undefined) output.line(`  ${what.padEnd(11)} ${value}`);
}

/** What was measured stands beside what the candidate says: only the first was checked. */
function printProfile({ output }: Run<CentreFlags>, report: Report, rules: AdmissionRules | undefined): void {
  const { measured, reported } = report;
  const text = (value: number | undefined): string => (value === undefined ? '-' : figureText(value));
  const head = ['check', 'measured', 'reported', 'minimum', 'unit'];
  const rows = (Object.entries(figures) as [Figure, (typeof figures)[Figure]][])
    .filter(([figure]) => measured[figure] !== undefined || reported[figure] !== undefined)
    .map(([figure, { check, minimum, unit }]) => [
      check,
      text(measured[figure]),
      text(reported[figure]),
      text(rules?.[minimum]),
      unit,
    ]);
  output.line('');
  for (const line of table([head, ...rows], new Set([1, 2, 3]))) output.line(`  ${line}`);
  const { software, node, system, architecture, processor, cores, memoryBytes, diskBytes, freeDiskBytes, graphics } =
    reported;
  const said: [string, string | undefined][] = [
    ['software', [software, node].filter(Boolean).join(', ')],
    ['system', [system, architecture].filter(Boolean).join(', ')],
    ['processor', [processor, cores === undefined ? undefined : `${cores} cores`].filter(Boolean).join(', ')],
    ['memory', memoryBytes === undefined ? undefined : sizeText(memoryBytes)],
    ['disk', diskBytes === undefined ? undefined : `${sizeText(diskBytes)}, ${sizeText(freeDiskBytes ?? 0)} free`],
    ['graphics', graphics?.join(', ')],
  ];
  output.line('', '  reported by the candidate, checked by nobody:');
  for (const [what, value] of said) if (value) output.line(`  ${what.padEnd(11)} ${value}`);
}

function printVote(
  { output }: Run<CentreFlags>,
  { candidate, application, proposal: named }: ApplicationAnswer,
  proposal: ProposalDetail | undefined,
  nameOf: GovernanceClient['nameOf'],
): void {
  output.line('');
  if (!proposal || !named) {
    const effect = { steps: [{ do: 'admit', account: candidate, application }] };
    const draft = { kind: 'admission', title: `Admit ${candidate}`, text: '', effect };
    output.line('  Nobody has proposed to admit it yet. Authenticators do so by themselves; by hand:');
    output.line(`  echo '${JSON.stringify(draft)}' > admit.json && notarium proposal create admit.json`);
    return;
  }
  const { proposalId, votes, forVotes, againstVotes, abstainVotes, totalVotes, quorumVotes } = proposal;
  output.line(`  ${'proposal'.padEnd(11)} ${proposalId}, ${longState(proposal, Date.now() / 1000)}`);
  output.line(
    `  ${'votes'.padEnd(11)} for ${forVotes}, against ${againstVotes}, abstain ${abstainVotes}, of ${totalVotes} (quorum ${quorumVotes})`,
  );
  for (const { voter, support, reason } of votes) {
    output.line(`  ${''.padEnd(11)} ${nameOf(voter)}: ${support}${reason === '' ? '' : `, ${reason}`}`);
  }
  if (proposal.state !== 'active') return;
  output.line('', '  To vote, as a centre:', `  notarium proposal vote ${proposalId} for --reason "…"`);
}
