import type { Command } from 'commander';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium watchtower`. */
export function addWatchtower(program: Command, context: ProgramContext): void {
  program
    .command('watchtower')
    .description('keep states of evidence channels and challenge older ones, until Ctrl-C')
    .option('--data <dir>', 'data folder (default: ~/.notarium); states are kept in watchtower/ there')
    .option('--rpc <url>', 'JSON-RPC of the chain')
    .option('--channels <address>', 'EvidenceChannels contract')
    .option('--keystore <dir>', 'keystore folder of the account that pays for gas')
    .option('--password-file <file>', 'file with the password of the keystore')
    .option('--key <file>', 'file with a private key in hexadecimal (the key itself only for development keys)')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: 8081)')
    .option('--accounts <addresses>', 'channels of these accounts only, commas between several (default: of all)')
    .option('--channel-limit <count>', 'channels that it keeps a state of at most (default: 100000)')
    .option('--max-gas-price <gwei>', 'most that gas may cost (default: 500)')
    .option('--replace-after <seconds>', 'when a stuck transaction is sent with higher fees (default: 15)')
    .option('--no-rate-limit', 'no limit of requests for an address')
    .option('--trust-proxy <proxies>', 'number or addresses of proxies whose X-Forwarded-For counts')
    .option('--log-level <level>', 'debug, info (default), warn, error or silent')
    .action(runs<object, []>(context, (run) => run.actions.runWatchtower(run)));
}
