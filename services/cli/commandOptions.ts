import type { Command } from 'commander';

/** Options of commands that sign. */
export function withKey(command: Command): Command {
  return command
    .option('--keystore <dir>', 'keystore folder of the key that signs')
    .option('--password-file <file>', 'file with the password of the keystore')
    .option('--key <file>', 'file with a private key in hexadecimal (the key itself only for development keys)')
    .option('--api-key <key>', 'API key of the centre; without a key pair the centre signs for you');
}

/** Options of commands that ask a centre. */
export function withCentre(command: Command): Command {
  return command
    .option('--url <url>', 'the centre (default: http://127.0.0.1:8080)')
    .option('--network <file>', 'trusted network file, instead of the one pinned on first use')
    .option('--networks <dir>', 'folder of pinned networks (default: ~/.notarium/networks)');
}

/** Option values of {@link withCentre} that are no settings. */
export type CentreFlags = { readonly network?: string };

/** Options of commands on the data folder of a centre. */
export function withData(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder (default: ~/.notarium)')
    .option('--database-url <url>', 'PostgreSQL instead of the database in the data folder')
    .option('--log-url <url>', 's3://bucket/prefix for the log tiles instead of the data folder');
}

/** Options of commands that ask the chain for the network. */
export function withChain(command: Command): Command {
  return command.option('--rpc <url>', 'JSON-RPC of the chain').option('--contract <address>', 'BlockAnchor contract');
}

/** Option values of `notarium verify` that are no settings. */
export type VerifyFlags = CentreFlags & {
  readonly offline?: boolean;
  readonly rpc?: string;
  readonly acceptance?: string;
  readonly verifier?: string;
};
