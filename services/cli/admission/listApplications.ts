import type { CentreFlags } from '../commandOptions.ts';
import { openReading } from '../governance/GovernanceRun.ts';
import { durationText } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { placeText } from './refusalLines.ts';

/** `notarium admission list`. */
export async function listApplications(run: Run<CentreFlags>): Promise<void> {
  const { output, signal } = run;
  const { client } = await openReading(run);
  const applications = await client.admissions.applications({ signal });
  output.json({ ok: true, applications });
  if (applications.length === 0) {
    output.note('Nobody has applied.');
    return;
  }
  const nowSeconds = Date.now() / 1000;
  const rows = applications.map(({ candidate, name, score, report, expiry, proposal, endpoint }) => [
    candidate,
    name,
    String(score),
    placeText(report?.location) ?? 'unknown',
    expiry > nowSeconds ? `${durationText(expiry - nowSeconds)} left` : 'expired',
    proposal?.state ?? 'not proposed',
    endpoint,
  ]);
  const head = ['candidate', 'name', 'score', 'location', 'application', 'vote', 'endpoint'];
  output.line(...table([head, ...rows], new Set([2])));
}
