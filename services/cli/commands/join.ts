import type { Command } from 'commander';
import { type JoinFlags, joinNetwork } from '../admission/joinNetwork.ts';
import { showJoinStatus } from '../admission/showJoinStatus.ts';
import { withData } from '../commandOptions.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium join`. */
export function addJoin(program: Command, context: ProgramContext): void {
  const all = (url: string, before: readonly string[] = []): string[] => [...before, url];
  const command = program.command('join').description('become a candidate of the consortium, on whom the centres vote');
  withData(command)
    .option('--authenticator <url>', 'centre that challenges this machine; again for each that the rules ask for', all)
    .option('--manifest <file>', 'protocol manifest of the network (default: manifest.json in the data folder)')
    .option('--name <name>', 'what people call this node')
    .option('--endpoint <url>', 'where its API will be reached')
    .option('--statement <text>', 'what you say to those who vote')
    .option('--statement-file <file>', 'the same from a file')
    .option('--again', 'apply anew although an application is open, as after a refusal')
    .option('--status', 'show where the own application stands, and change nothing')
    .option('--rpc <url>', 'JSON-RPC of the chain')
    .option('--contract <address>', 'BlockAnchor contract')
    .option('--keystore <dir>', 'keystore folder (default: keystore in the data folder; made when there is none)')
    .option('--password-file <file>', 'file with the password of the keystore')
    .action(runs<JoinFlags, []>(context, (run) => (run.options.status ? showJoinStatus(run) : joinNetwork(run))));
}
