import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { type ProposalId, proposalIdOf } from '../../core/governance/signing.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';
import { type CentreFlags, withCentre } from '../commandOptions.ts';
import { openClient } from '../openClient.ts';
import { operatorKey } from '../operatorKey.ts';
import type { Run } from '../Run.ts';
import { trustNote } from '../trustNote.ts';

/** Options of commands that read. */
export function withReading(command: Command): Command {
  return withCentre(command).option('--api-key <key>', 'API key, where the centre asks for one');
}

/** Options of commands that make the centre act as itself. */
export function withActing(command: Command): Command {
  return withCentre(command)
    .option('--api-key <key>', 'API key of scope admin (default: admin-key in the data folder)')
    .option('--data <dir>', 'data folder of the centre (default: ~/.notarium)');
}

/** A client with the names of the centres. */
export type GovernanceClient = {
  readonly client: Notarium;
  /** Name of a centre in the registry; its address where it has none. */
  readonly nameOf: (address: Address | string) => string;
};

/** Opens a client that reads. */
export async function openReading(run: Run<CentreFlags>): Promise<GovernanceClient> {
  return await open(run, run.settings.apiKey);
}

/** Opens a client with the operator's key. */
export async function openActing(run: Run<CentreFlags>): Promise<GovernanceClient> {
  return await open(run, run.settings.apiKey ?? (await operatorKey(run.settings.data)));
}

async function open(run: Run<CentreFlags>, apiKey: string | undefined): Promise<GovernanceClient> {
  const { options, settings, terminal, signal, output } = run;
  const client = await openClient(
    { ...settings, apiKey },
    { networkFile: options.network === undefined ? undefined : resolve(terminal.cwd, options.network) },
  );
  const trust = await client.network({ signal });
  trustNote(output, trust);
  const names = new Map<string, string>(trust.answer.centres.map(({ address, name }) => [address, name]));
  return { client, nameOf: (address) => names.get(address) || address };
}

/**
 * The id of a proposal as somebody has typed it: hexadecimal, or the decimal number of other tools.
 * @throws NotariumError `usage-invalid`.
 */
export function proposalIdFrom(text: string): ProposalId {
  if (!/^(?:0x[0-9a-fA-F]{64}|[0-9]{1,78})$/.test(text) || BigInt(text) >= 2n ** 256n) {
    throw new NotariumError(
      'usage-invalid',
      `"${text}" is no id of a proposal (0x and 64 digits, or a decimal number)`,
    );
  }
  return proposalIdOf(BigInt(text));
}
