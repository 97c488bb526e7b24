import { activityKinds, activityRequests, maxBrought } from '../../core/activities/message.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityAnswer, SentMessageAnswer } from '../../lib/client/activityAnswers.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { oneOf } from '../governance/listProposals.ts';
import { counted } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import { clip, idAmong, namesIn, onlyHead, openActivities, openActivity, short, versionOf } from './ActivityRun.ts';
import { checkParties } from './checkParties.ts';
import { nextCommand } from './nextCommand.ts';
import { type ContentsFlags, readContents, readJson } from './readContents.ts';

/** Options of `notarium activity start`. */
export type StartFlags = ContentsFlags & {
  readonly kind?: string;
  readonly request?: string;
  readonly to?: readonly string[];
  readonly regulator?: readonly string[];
  readonly schema?: string;
  readonly history: boolean;
  readonly unanimous?: boolean;
};

/** Options of `notarium activity update`. */
export type UpdateFlags = ContentsFlags & { readonly merge?: boolean; readonly on?: readonly string[] };

/** Options of `notarium activity note`. */
export type NoteFlags = ContentsFlags & { readonly on?: string };

/** `notarium activity start`. */
export async function startActivity(run: Run<StartFlags>): Promise<void> {
  const { options, output, signal } = run;
  const kind = oneOf('--kind', options.kind, activityKinds) ?? 'industrial';
  const request = oneOf('--request', options.request, activityRequests) ?? 'information';
  const { to: receivers = [], regulator: regulators = [] } = options;
  if (receivers.length === 0) throw new NotariumError('usage-invalid', '--to PARTY is needed, once for each receiver');
  const schema = options.schema === undefined ? undefined : await readJson(run, options.schema);
  if (schema !== undefined && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new NotariumError('activity-schema-invalid', 'the file holds no object');
  const client = await openActivities(run);
  if (options.attach !== undefined) checkParties(client, [...receivers, ...regulators]);
  const salt = randomHash();
  const contents = await readContents(run, client, { activity: salt, type: 'start', on: [] });
  const sent = await client.activities.start(
    {
      ...contents,
      ...(options.device === undefined ? {} : { salt }),
      ...{ kind, request, receivers, regulators },
      rules: { history: options.history, approval: options.unanimous ? 'unanimity' : 'majority' },
      ...(schema === undefined ? {} : { schema: schema as Record<string, unknown> }),
    },
    { signal },
  );
  tellSent(run, sent, `began ${sent.activity}`);
  output.note(`  How far it has come: ${nextCommand(run, `activity show ${short(sent.activity)}`)}`);
}

/** `notarium activity update`. */
export async function updateActivity(run: Run<UpdateFlags>, text: string): Promise<void> {
  const { options, signal } = run;
  if (options.merge && options.on !== undefined)
    throw new NotariumError(
      'usage-invalid',
      '--merge takes the place of all versions in conflict, --on of those named',
    );
  const client = await openActivity(run, text);
  const { activities, nameOf, id } = client;
  const activity = await activities.get(id, { signal });
  const names = namesIn(activity, nameOf);
  const builds = buildsOf(run, activity, names);
  const contents = await readContents(run, client, { activity: id, type: 'update', on: builds ?? [] });
  const sent = await activities.update(id, { ...contents, ...(builds ? { builds } : {}) }, { signal });
  tellSent(run, sent, `new version ${sent.message}`);
  // It may be another one than whoever wrote this has looked at.
  for (const replaced of builds ?? []) {
    const { number, sender } = activity.versions.find((version) => version.id === replaced)!;
    run.output.note(`  in the place of version ${short(replaced)} (number ${number}, by ${clip(names(sender), 30)})`);
  }
  run.output.note(`  How far it has come: ${nextCommand(run, `activity show ${short(id)}`)}`);
  warnIfOut(run, activity);
}

/** The versions in whose place the new one comes; undefined where they are in conflict and none was named, of which the centre tells. */
function buildsOf(
  { options }: Run<UpdateFlags>,
  { heads, versions }: ActivityAnswer,
  names: (address: Address) => string,
): readonly Hash[] | undefined {
  const { merge, on = [], device } = options;
  const [only, ...others] = heads;
  // Somebody else may have brought them together meanwhile: in the place of that one this would come unseen.
  if (merge && only && others.length === 0) {
    const { number, sender } = versions.find(({ id }) => id === only)!;
    const what = `version ${short(only)} (number ${number}, by ${clip(names(sender), 30)})`;
    throw new NotariumError(
      'activity-version-stale',
      `nothing is in conflict now: look at ${what}, and name it by --on`,
    );
  }
  // What is more than one request can have is brought together by the next one.
  if (merge) return heads.slice(0, maxBrought);
  if (on.length > 0) return on.map((text) => idAmong(text, versions, 'version'));
  // A device says on what it builds.
  return heads.length === 1 || device !== undefined ? [onlyHead({ heads })] : undefined;
}

/** `notarium activity note`. */
export async function noteOnActivity(run: Run<NoteFlags>, text: string): Promise<void> {
  const { options, signal } = run;
  const client = await openActivity(run, text);
  const { activities, id } = client;
  const activity = await activities.get(id, { signal });
  const on = versionOf(activity, options.on);
  const contents = await readContents(run, client, { activity: id, type: 'note', on: [on] });
  const sent = await activities.note(id, { ...contents, on }, { signal });
  tellSent(run, sent, `noted ${sent.message}`);
  warnIfOut(run, activity);
}

/** Who was removed is told by the others alone, and what it says meanwhile they refuse. */
function warnIfOut({ output }: Run<unknown>, { doubts, members }: ActivityAnswer): void {
  const isIn = (member: Address): boolean => members.some(({ address }) => address === member);
  const saying = doubts.filter(({ kind, member }) => kind === 'excluded' && isIn(member)).length;
  if (saying > 0) output.note(`  ${counted(saying, 'member')} told that this node was removed: those will refuse it`);
}

/** `notarium activity ack`. */
export async function acknowledgeActivity(run: Run<CentreFlags>, text: string, version?: string): Promise<void> {
  const { signal } = run;
  const { activities, id } = await openActivity(run, text);
  const on = versionOf(await activities.get(id, { signal }), version);
  const sent = await activities.countersign(id, on, { signal });
  tellSent(run, sent, `countersigned version ${short(on)}`);
  run.output.note(`  Once all have: ${nextCommand(run, `activity certificate ${short(id)} ${short(on)} --wait`)}`);
}

/** Prints what every command does that sends. */
export function tellSent(
  { output }: Pick<Run<unknown>, 'output'>,
  { activity, message }: SentMessageAnswer,
  what: string,
): void {
  output.json({ ok: true, activity, message });
  output.line(`${output.mark('passed')} ${what}`);
}
