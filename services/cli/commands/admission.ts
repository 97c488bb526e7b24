import type { Command } from 'commander';
import { listApplications } from '../admission/listApplications.ts';
import { listOutcomes, type OutcomeFlags } from '../admission/listOutcomes.ts';
import { type ManifestFlags, manifest } from '../admission/manifest.ts';
import { showApplication } from '../admission/showApplication.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { withActing, withReading } from '../governance/GovernanceRun.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium admission`. */
export function addAdmission(program: Command, context: ProgramContext): void {
  const admission = program.command('admission').description('review those who want to become centres');
  withReading(admission.command('list').description('candidates with a published application')).action(
    runs<CentreFlags, []>(context, listApplications),
  );
  withReading(admission.command('show').description('a candidate: profile, location, statement, and the vote on it'))
    .argument('<address>', 'account of the candidate')
    .action(runs<CentreFlags, [string]>(context, showApplication));
  withActing(admission.command('manifest').description('the protocol manifest, for those who are to join'))
    .option('--make', 'make it anew for this network; it counts when its hash has been voted into the rules')
    .option('--agreement <file>', 'with --make: what the operators have agreed on besides, in their own words')
    .option('--out <file>', 'write it there instead of printing it')
    .action(runs<ManifestFlags, []>(context, manifest));
  withActing(admission.command('outcomes').description('how sessions with this authenticator ended, newest first'))
    .option('--candidate <address>', 'of this account only')
    .option('--limit <count>', 'how many (default: 50)')
    .action(runs<OutcomeFlags, []>(context, listOutcomes));
}
