import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { type ProgramContext, runs } from '../Run.ts';

/** `notarium verifier`. */
export function addVerifier(program: Command, context: ProgramContext): void {
  program
    .command('verifier')
    .description('verify evidence of others in evidence channels, and be paid for it, until Ctrl-C')
    .option('--policy <file>', 'what is taken, and what it costs (docs/operations.md)')
    .option('--data <dir>', 'data folder (default: ~/.notarium)')
    .option('--database-url <url>', 'PostgreSQL for states, bills and statements (default: SQLite in the data folder)')
    .option('--evidence-url <url>', 'bucket of the evidence (default: channels/evidence in the data folder)')
    .option('--rpc <url>', 'JSON-RPC of the chain')
    .option('--channels <address>', 'EvidenceChannels contract')
    .option('--keystore <dir>', 'keystore folder (default: keystore in the data folder)')
    .option('--password-file <file>', 'file with the password of the keystore')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: 8090)')
    .option('--confirmations <count>', 'chain blocks on top of an opening before bills are made out (default: 1)')
    .option('--replace-after <seconds>', 'when a stuck transaction is sent with higher fees (default: 15)')
    .option('--no-rate-limit', 'no limits of requests for an address or channel')
    .option('--trust-proxy <proxies>', 'number or addresses of proxies whose X-Forwarded-For counts')
    .option('--log-level <level>', 'debug, info (default), warn, error or silent')
    .action(
      runs<{ policy?: string }, []>(context, async (run) => {
        const { policy } = run.options;
        if (policy === undefined) throw new NotariumError('usage-invalid', 'give what is taken: --policy FILE');
        await run.actions.runVerifier(run, { policy: resolve(run.terminal.cwd, policy) });
      }),
    );
}
