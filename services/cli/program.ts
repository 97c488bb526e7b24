import { Command } from 'commander';
import type { CliActions } from './CliActions.ts';
import { addActivity } from './commands/activity.ts';
import { addAdmission } from './commands/admission.ts';
import { addBackup } from './commands/backup.ts';
import { addChannel } from './commands/channel.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvidence } from './commands/evidence.ts';
import { addInit } from './commands/init.ts';
import { addJoin } from './commands/join.ts';
import { addKeys } from './commands/keys.ts';
import { addNode } from './commands/node.ts';
import { addNotarize } from './commands/notarize.ts';
import { addProposal } from './commands/proposal.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addRekey } from './commands/rekey.ts';
import { addResource } from './commands/resource.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { addVerifier } from './commands/verifier.ts';
import { addVerify } from './commands/verify.ts';
import { addVersion } from './commands/version.ts';
import { addWatchtower } from './commands/watchtower.ts';
import { exitHelp } from './exitCodes.ts';
import type { ProgramContext } from './Run.ts';
import { settingVariables } from './settings.ts';
import type { Terminal } from './Terminal.ts';

/** The whole command line. `onExit` is told the exit code of a command that does not end with 0. */
export function buildProgram(actions: CliActions, terminal: Terminal, onExit: (code: number) => void): Command {
  const program = new Command('notarium');
  program
    .description('Notarise anything, and let a stranger check it.')
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'print results and errors only')
    .option('--debug', 'print stack traces')
    .option('--config <file>', 'config file (default: config.json in the data folder)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      // runCli prints it, in the form of all errors.
      outputError: () => {},
    });
  const context: ProgramContext = { actions, terminal, onExit };
  for (const add of [
    addInit,
    addRekey,
    addNode,
    addNotarize,
    addVerify,
    addStatus,
    addShow,
    addEvidence,
    addProposal,
    addResource,
    addActivity,
    addChannel,
    addVerifier,
    addJoin,
    addAdmission,
    addKeys,
    addBackup,
    addRebuild,
    addDoctor,
    addWatchtower,
    addVersion,
  ]) {
    add(program, context);
  }
  const variables = Object.values(settingVariables).join(', ');
  program.addHelpText(
    'after',
    `\nSettings: flag before environment before config file. Environment: ${variables}, NOTARIUM_CONFIG, NO_COLOR.\n\nExit codes:\n${exitHelp()}\n`,
  );
  for (const command of program.commands) {
    command.addHelpText('after', '\nExit codes: see `notarium --help`.\n');
  }
  return program;
}
