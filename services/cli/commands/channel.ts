import type { Command } from 'commander';
import { type CloseFlags, closeChannel } from '../channels/closeChannel.ts';
import { type DepositFlags, depositChannel } from '../channels/depositChannel.ts';
import { type OpenFlags, openChannel } from '../channels/openChannel.ts';
import { sendEvidence } from '../channels/sendEvidence.ts';
import type { SendFlags } from '../channels/sendFlags.ts';
import { type StatusFlags, showChannel } from '../channels/showChannel.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium channel`. */
export function addChannel(program: Command, context: ProgramContext): void {
  const channel = program.command('channel').description('have masses of evidence verified off chain, settled once');
  withPlaces(channel.command('open').description('open a channel with a verifier, and pay the deposit in'))
    .option('--url <url>', 'the verifier')
    .option('--channels <address>', 'EvidenceChannels contract, from a source that you trust')
    .option('--amount <amount>', 'deposit: 1000 in the smallest unit, 20gwei, 0.5ether')
    .option('--token <address>', 'ERC-20 token instead of the own coin of the chain')
    .option('--challenge <seconds>', 'challenge period (default: the shortest that the verifier takes)')
    .action(runs<OpenFlags, []>(context, openChannel));
  withChannel(
    channel.command('send').description('have files and folders verified and preserved; the same again goes on'),
  )
    .argument('[paths...]', 'files and folders; - alone for one content from standard input')
    .option('--files-from <file>', 'take paths from a file or, with -, from standard input as they come: one a line')
    .option('-0, --null', 'paths of --files-from end with a zero byte instead (find … -print0)')
    .option('--out <dir>', 'folder for receipts (default: beside each file; here for standard input)')
    .option('--parallel <count>', 'uploads and bills under way at a time (default: 8)')
    .action(runs<SendFlags, [string[]]>(context, sendEvidence));
  withChannel(channel.command('status').description('show where a channel stands'))
    .option('--receipts', 'write the receipts of all files anew, with the settlement once there is one')
    .action(runs<StatusFlags, []>(context, showChannel));
  withChannel(channel.command('deposit').description('pay more into a channel'))
    .option('--amount <amount>', 'what to pay in: 1000 in the smallest unit, 20gwei, 0.5ether')
    .action(runs<DepositFlags, []>(context, depositChannel));
  withChannel(channel.command('close').description('settle a channel on chain, and complete the receipts'))
    .option('--alone', 'without the verifier: takes the challenge period')
    .action(runs<CloseFlags, []>(context, closeChannel));
}

function withChannel(command: Command): Command {
  return withPlaces(command).option('--channel <id>', 'the channel, or how its id begins (default: the only one)');
}

function withPlaces(command: Command): Command {
  return command
    .option('--rpc <url>', 'JSON-RPC of the chain')
    .option('--data <dir>', 'data folder (default: ~/.notarium); channels are kept in requester/ there')
    .option(
      '--keystore <dir>',
      'keystore folder of the key that pays and signs (default: your own key, made at first use)',
    )
    .option('--password-file <file>', 'file with the password of the keystore')
    .option('--key <file>', 'file with a private key in hexadecimal (the key itself only for development keys)');
}
