import { Command, Option } from 'commander';
import { NotariumError } from '../../services/core/errors.ts';
import type { ChainKind } from './startChain.ts';

const maxCentres = 16;

/** What is asked for of a network that is deployed now. */
export type Asked = { readonly centres: number; readonly periodSeconds: number; readonly graceSeconds: number };

/** What `npm start` is told. */
export type StartOptions = {
  readonly chain: ChainKind;
  readonly chainPort: number;
  /** Of the first centre; the others have those after it. */
  readonly port: number;
  readonly data: string;
  readonly asked: Asked;
  readonly rpc?: string | undefined;
  readonly contract?: string | undefined;
};

/**
 * Reads the command line.
 * @throws CommanderError after `--help` too; NotariumError `usage-invalid`.
 */
export function readStartOptions(): StartOptions {
  const program = new Command('npm start --')
    .description('A Notarium network on this machine: chain, contracts, and centres with their HTTP API.')
    .option('--centres <count>', `centres of a newly deployed network, 1 to ${maxCentres}`, '1')
    .addOption(
      new Option('--chain <kind>', 'local chain: hardhat forgets everything when it stops, anvil keeps it')
        .choices(['hardhat', 'anvil'])
        .default('hardhat'),
    )
    .option('--chain-port <port>', 'port of the local chain', '8545')
    .option('--port <port>', 'port of the HTTP API; further centres have the ports after it', '8080')
    .option('--data <folder>', 'where data folders are made', '.notarium')
    .option('--period <seconds>', 'block period of a newly deployed network', '2')
    .option(
      '--grace <seconds>',
      'time that a block of a newly deployed network has to be anchored after its slot',
      '30',
    )
    .option('--rpc <url>', 'use this chain instead of a local one (needs --contract)')
    .option('--contract <address>', 'BlockAnchor on that chain')
    .exitOverride();
  program.parse();
  const texts = program.opts<Record<'chainPort' | 'port' | 'period' | 'grace' | 'centres' | 'data', string>>();
  const { rpc, contract } = program.opts<Pick<StartOptions, 'rpc' | 'contract'>>();
  const options = {
    chain: program.opts<{ chain: ChainKind }>().chain,
    chainPort: whole(texts.chainPort, '--chain-port', 65_535),
    port: whole(texts.port, '--port', 65_535),
    data: texts.data,
    asked: {
      centres: whole(texts.centres, '--centres', maxCentres),
      periodSeconds: whole(texts.period, '--period', 1_000_000),
      graceSeconds: whole(texts.grace, '--grace', 1_000_000),
    },
    rpc,
    contract,
  };
  if ((rpc === undefined) !== (contract === undefined)) {
    throw new NotariumError('usage-invalid', '--rpc and --contract go together');
  }
  if (rpc !== undefined && options.asked.centres > 1) {
    throw new NotariumError(
      'usage-invalid',
      '--centres is for a local chain: run each centre of another with `notarium node`',
    );
  }
  return options;
}

/**
 * The ports of so many centres.
 * @throws NotariumError `usage-invalid` when there are not so many, or the chain has one of them.
 */
export function centrePorts({ port, chainPort, rpc }: StartOptions, count: number): number[] {
  const last = port + count - 1;
  if (last > 65_535) throw new NotariumError('usage-invalid', `--port ${port} leaves no room for ${count} centres`);
  if (rpc === undefined && port <= chainPort && chainPort <= last) {
    throw new NotariumError(
      'usage-invalid',
      `--chain-port ${chainPort} is one of the ports ${port} to ${last} of --port`,
    );
  }
  return Array.from({ length: count }, (_, index) => port + index);
}

function whole(text: string, flag: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new NotariumError('usage-invalid', `${flag} ${text}`);
  return value;
}
