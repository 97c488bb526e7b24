import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Activities } from '../../lib/client/Activities.ts';
import type { ActivityAnswer } from '../../lib/client/activityAnswers.ts';
import type { NetworkAnswer } from '../../lib/client/answers.ts';
import { type CentreFlags, withCentre } from '../commandOptions.ts';
import { openClient } from '../openClient.ts';
import { operatorKey } from '../operatorKey.ts';
import type { Run } from '../Run.ts';
import { trustNote } from '../trustNote.ts';

/** Options of all commands of activities: every one needs a key. */
export function withActivities(command: Command): Command {
  return withCentre(command)
    .option('--api-key <key>', 'API key of the client (default: admin-key in the data folder, which sees all)')
    .option('--data <dir>', 'data folder of the centre (default: ~/.notarium)');
}

/** A client with the names of the nodes. */
export type ActivityClient = {
  readonly activities: Activities;
  /** `eip155:<chain>:<contract>` */
  readonly network: string;
  /** All nodes, as the centre tells them. */
  readonly nodes: NetworkAnswer['centres'];
  /** Name of a node in the registry; its address where it has none. */
  readonly nameOf: (address: Address) => string;
};

/** Opens the client of a command. */
export async function openActivities(run: Run<CentreFlags>): Promise<ActivityClient> {
  const { options, settings, terminal, signal, output } = run;
  const client = await openClient(
    { ...settings, apiKey: settings.apiKey ?? (await operatorKey(settings.data)) },
    { networkFile: options.network === undefined ? undefined : resolve(terminal.cwd, options.network) },
  );
  const trust = await client.network({ signal });
  trustNote(output, trust);
  const names = new Map<string, string>(trust.answer.centres.map(({ address, name }) => [address, name]));
  return {
    activities: client.activities,
    network: trust.trusted.network,
    nodes: trust.answer.centres,
    nameOf: (address) => names.get(address) || address,
  };
}

/** The client of a command about one activity, and the id of that. @param text The id, or how it begins. */
export async function openActivity(
  run: Run<CentreFlags>,
  text: string,
): Promise<ActivityClient & { readonly id: Hash }> {
  const client = await openActivities(run);
  return { ...client, id: await activityIdFrom(client.activities, text, run.signal) };
}

/** Names of the members of an activity, and of other nodes as far as the network has them. */
export function namesIn({ members }: ActivityAnswer, nameOf: ActivityClient['nameOf']): ActivityClient['nameOf'] {
  const names = new Map(members.map(({ address, name }) => [address, name]));
  const isTwice = (name: string): boolean => members.filter((member) => member.name === name).length > 1;
  return (address) => {
    const name = names.get(address);
    if (!name) return nameOf(address);
    return isTwice(name) ? `${clip(name, 12)} ${address.slice(0, 8)}` : name;
  };
}

/**
 * The activity with this id, or whose id begins so.
 * @throws NotariumError `activity-unknown`, `usage-invalid`.
 */
async function activityIdFrom(activities: Pick<Activities, 'list'>, text: string, signal: AbortSignal): Promise<Hash> {
  const given = idText(text);
  if (given.length === 66) return given as Hash;
  const ids: Hash[] = [];
  for await (const { id } of activities.list({ begins: given, signal })) if (ids.push(id) > 1) break;
  const found = pick(given, ids);
  if (!found) throw new NotariumError('activity-unknown', `none begins with ${given}`);
  return found;
}

/**
 * The id among these that this text is, or that begins so.
 * @throws NotariumError `not-found`, `usage-invalid`.
 */
export function idAmong(text: string, things: readonly { readonly id: Hash }[], what: string): Hash {
  const found = pick(
    idText(text),
    things.map(({ id }) => id),
  );
  if (!found) throw new NotariumError('not-found', `no ${what} ${text.slice(0, 66)}`);
  return found;
}

function pick(begin: string, ids: readonly Hash[]): Hash | undefined {
  const found = ids.filter((id) => id.startsWith(begin));
  if (found.length > 1) throw new NotariumError('usage-invalid', `several ids begin with ${begin}: give more of it`);
  return found[0];
}

function idText(text: string): string {
  const lower = text.toLowerCase().replace(/…$/, '');
  if (/^0x[0-9a-f]{4,64}$/.test(lower)) return lower;
  throw new NotariumError(
    'usage-invalid',
    `"${text.slice(0, 80)}" is no id (0x and 64 digits, or the first ones of them)`,
  );
}

/**
 * The only version that nothing has replaced.
 * @throws NotariumError `usage-invalid` where several are in conflict.
 */
export function onlyHead({ heads }: Pick<ActivityAnswer, 'heads'>): Hash {
  if (heads.length === 1) return heads[0]!;
  throw new NotariumError(
    'usage-invalid',
    `several versions are in conflict, name one: ${heads.map(short).join(', ')}`,
  );
}

/** The version that was named, or the only one that nothing has replaced. @throws NotariumError as {@link idAmong} and {@link onlyHead}. */
export function versionOf(activity: Pick<ActivityAnswer, 'heads' | 'versions'>, text: string | undefined): Hash {
  return text === undefined ? onlyHead(activity) : idAmong(text, activity.versions, 'version');
}

/** The message that was named, or the only version that nothing has replaced. @throws NotariumError as {@link idAmong} and {@link onlyHead}. */
export async function messageOf(
  { signal }: Pick<Run<unknown>, 'signal'>,
  activities: Activities,
  id: Hash,
  text: string | undefined,
): Promise<Hash> {
  if (text === undefined) return onlyHead(await activities.get(id, { signal }));
  // The whole id needs no search; whether it is one of this activity, the centre says.
  const whole = idText(text);
  if (whole.length === 66) return whole as Hash;
  return idAmong(text, await Array.fromAsync(activities.messages(id, { signal })), 'message');
}

/** Number of an attachment as it was typed. @throws NotariumError `usage-invalid`. */
export function indexOf(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new NotariumError('usage-invalid', `"${text.slice(0, 20)}" is no number of an attachment (0 is the first)`);
}

/** How an id begins: enough to be typed. */
export function short(id: Hash): string {
  return id.slice(0, 10);
}

/** Text for a column: cut where it is longer. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
