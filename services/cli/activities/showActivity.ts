import { wholeBody } from '../../core/activities/fields.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import type {
  ActivityAnswer,
  ActivitySummaryAnswer,
  DeliveryAnswer,
  MessageAnswer,
} from '../../lib/client/activityAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { limitOf } from '../governance/listProposals.ts';
import { counted } from '../governance/texts.ts';
import { sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { requestText } from '../verify/headLines.ts';
import { clip, messageOf, namesIn, openActivities, openActivity, short } from './ActivityRun.ts';
import { nextCommand } from './nextCommand.ts';

/** Options of `notarium activity list`. */
export type ListFlags = CentreFlags & { readonly limit?: string };

/** Widest name in a table, so that a line has 80 columns at most. */
const nameWidth = 22;
const lineWidth = 78;
/** A version that nothing has replaced, as it is printed. */
type ShownHead = {
  readonly message: MessageAnswer;
  readonly deliveries: readonly DeliveryAnswer[];
  readonly notes: readonly MessageAnswer[];
};

/** So many versions that are in conflict, and so many of all, the newest, are printed. */
const shownHeads = 16;
const shownVersions = 50;
/** So many notes of a version are printed unasked. */
const shownNotes = 5;
/** A longer body is not printed unasked. */
const shownBodyLines = 40;
const shownLineLength = 400;

/** `notarium activity list`. */
export async function listActivities(run: Run<ListFlags>): Promise<void> {
  const { options, output, signal } = run;
  const limit = limitOf(options.limit ?? '50');
  const { activities } = await openActivities(run);
  const found: ActivitySummaryAnswer[] = [];
  for await (const activity of activities.list({ signal })) if (found.push(activity) >= limit) break;
  output.json({ ok: true, activities: found });
  if (found.length === 0) {
    output.note('There are no activities.');
    return;
  }
  const rows = found.map(({ id, kind, request, role, heads, messageCount, changedAt }) => [
    ...[short(id), kind, request, role ?? '-', `${messageCount}`],
    ...[heads.length > 1 ? 'conflict' : (heads.map(short)[0] ?? '-'), changedAt.slice(0, 10)],
  ]);
  const head = ['id', 'kind', 'request', 'role', 'msgs', 'newest', 'changed'];
  output.line(...table([head, ...rows], new Set([4])));
}

/** `notarium activity show`. */
export async function showActivity(run: Run<CentreFlags>, text: string, messageText?: string): Promise<void> {
  const { output, signal } = run;
  const { activities, nameOf, id } = await openActivity(run, text);
  const activity = await activities.get(id, { signal });
  const names = namesIn(activity, nameOf);
  if (messageText !== undefined) {
    const message = await activities.message(id, await messageOf(run, activities, id, messageText), { signal });
    const deliveries = await activities.deliveries(id, message.id, { signal });
    output.json({ ok: true, message, deliveries });
    output.line(output.paint('strong', message.id));
    printMessage(run, message, names, true);
    printDeliveries(run, deliveries, names);
    return;
  }
  const heads: ShownHead[] = [];
  // A member may have said thousands that are in conflict.
  for (const head of activity.heads.slice(0, shownHeads)) {
    const [message, deliveries, ...notes] = await Promise.all([
      activities.message(id, head, { signal }),
      activities.deliveries(id, head, { signal }),
      ...newestNotes(activity, head).map((note) => activities.message(id, note, { signal })),
    ]);
    heads.push({ message, deliveries, notes });
  }
  output.json({ ok: true, activity, heads });
  printFacts(run, activity);
  printMembers(run, activity);
  printVersions(run, activity, names);
  printProposals(run, activity, names);
  printDoubts(run, activity, names);
  printUnrecorded(run, activity);
  printRefused(run, activity);
  for (const { message, deliveries, notes } of heads) {
    output.line('', output.paint('strong', `version ${short(message.id)}`));
    printMessage(run, message, names, false);
    printDeliveries(run, deliveries, names);
    for (const note of notes) printNote(run, note, names);
    const { length } = notesOn(activity, message.id);
    if (length > notes.length)
      output.line(
        `  ${counted(length - notes.length, 'note')} more: ${nextCommand(run, `activity messages ${short(id)} --type note`)}`,
      );
  }
  if (activity.heads.length > heads.length)
    output.line('', `${counted(activity.heads.length - heads.length, 'version')} more: --json names them`);
  if (activity.isInConflict) {
    output.line(
      '',
      `${output.mark('failed')} ${counted(activity.heads.length, 'version')} are in conflict; bring them together:`,
    );
    output.line(`  notarium activity update ${short(id)} --merge --body FILE`);
  }
}

function printFacts({ output }: Run<unknown>, activity: ActivityAnswer): void {
  const { id, terms, epoch, messageCount, owner, createdAt, changedAt } = activity;
  const { history, approval } = terms.rules;
  output.line(output.paint('strong', id));
  const facts: [string, string][] = [
    ['kind', `${terms.kind}, asks for ${requestText(terms.request)}`],
    ['this node', roleText(activity)],
    ['members', `${activity.members.length}, changed ${counted(epoch, 'time')}; ${approval} decides`],
    ['who joins', history ? 'is given what was said before' : 'reads what is said from then on'],
    ['messages', `${messageCount}, from ${createdAt} to ${changedAt}`],
    ...(terms.schema ? [['schema', 'every version has to fit one'] as [string, string]] : []),
    ...(owner === undefined ? [] : [['owner', `API key ${owner}`] as [string, string]]),
  ];
  for (const [name, value] of facts) output.line(`  ${name.padEnd(9)} ${value}`);
}

function roleText({ role, doubts, members }: ActivityAnswer): string {
  const isIn = (member: Address): boolean => members.some(({ address }) => address === member);
  if (role === undefined) return 'is no member any more';
  const saying = doubts.filter(({ kind, member }) => kind === 'excluded' && isIn(member)).length;
  return saying === 0 ? role : `${role}; ${counted(saying, 'member')} told that it was removed`;
}

function printMembers({ output }: Run<unknown>, { members }: ActivityAnswer): void {
  const rows = members.map(({ name, role, address }) => [clip(name ?? '', nameWidth), role, address]);
  output.line('', ...table([['member', 'role', 'address'], ...rows]).map((line) => `  ${line}`));
  for (const { name, address, hasOtherKey } of members) {
    if (!hasOtherKey) continue;
    const who = clip(name ?? address, nameWidth);
    output.line(`  ${output.mark('failed')} ${who} has an encryption key here that the registry does not have`);
  }
}

function printVersions(
  { output }: Run<unknown>,
  { versions, heads, terms }: ActivityAnswer,
  names: (address: Address) => string,
): void {
  const rows = versions
    .slice(-shownVersions)
    .map(({ id, number, sender, countersigned, recipients, certificate, notes }) => [
      ...[heads.includes(id) ? '>' : ' ', short(id), `${number}`, clip(names(sender), nameWidth)],
      terms.request === 'information' ? '-' : `${countersigned.length} of ${recipients}`,
      ...[certificate === undefined ? '-' : short(certificate), `${notes.length}`],
    ]);
  const head = ['', 'version', 'no', 'sender', 'signed', 'certified', 'notes'];
  const left = versions.length - shownVersions;
  if (left > 0) output.line('', `  ${counted(left, 'older version')}: --json has all`);
  output.line('', ...table([head, ...rows], new Set([2, 6])).map((line) => ` ${line}`));
}

function printProposals(
  { output }: Run<unknown>,
  { proposals }: ActivityAnswer,
  names: (address: Address) => string,
): void {
  if (proposals.length === 0) return;
  const rows = proposals.map(({ id, change, votes, isApproved, isOpen }) => [
    short(id),
    'add' in change
      ? `add ${clip(names(change.add.address), nameWidth)} as ${change.add.role}`
      : `remove ${clip(names(change.remove), nameWidth)}`,
    `${votes.filter(({ approve }) => approve).length}:${votes.filter(({ approve }) => !approve).length}`,
    isApproved ? 'approved' : isOpen ? 'open' : 'over',
  ]);
  output.line('', ...table([['proposal', 'change', 'votes', 'state'], ...rows]).map((line) => `  ${line}`));
  for (const { id, hasOtherKey } of proposals)
    if (hasOtherKey)
      output.line(`  ${output.mark('failed')} ${short(id)} has an encryption key that the registry does not have`);
}

const doubtTexts: Readonly<Record<string, string>> = {
  lacking: 'has messages that do not come',
  unknown: 'does not know this activity, or this node in it',
  excluded: 'was told that this node was removed',
  forked: 'has met two beginnings of it, or signed a message in two ways',
};

function printDoubts(
  { output }: Run<unknown>,
  { forks, doubts, members }: ActivityAnswer,
  names: (address: Address) => string,
): void {
  if (forks.length + doubts.length > 0) output.line('');
  for (const { type, sender, messages } of forks) {
    const what = type === 'start' ? 'begun it' : 'changed the members';
    output.line(
      `  ${output.mark('failed')} ${clip(names(sender), 30)} has ${what} in two ways: ${messages.map(short).join(' ')}`,
    );
  }
  for (const { member, kind, messages } of doubts) {
    // Who is out may not have been told of what was since.
    const who = clip(names(member), 24) + (members.some(({ address }) => address === member) ? '' : ', no member now,');
    output.line(`  ${output.mark('failed')} ${who} ${doubtTexts[kind] ?? kind}`);
    if (messages.length > 0)
      output.line(`      ${counted(messages.length, 'message')}, the first ${short(messages[0]!)}`);
  }
}

function printUnrecorded({ output }: Run<unknown>, { unrecorded }: ActivityAnswer): void {
  if (unrecorded.length === 0) return;
  const named = unrecorded.slice(0, 4).map(short).join(' ');
  output.line(
    '',
    `  ${output.mark('failed')} the log has no record of ${counted(unrecorded.length, 'message')}: ${named}`,
  );
}

/** Who was removed and has not heard of it says in vain what the others refuse. */
function printRefused({ output }: Run<unknown>, { refused }: ActivityAnswer): void {
  if (refused.length === 0) return;
  const named = refused.slice(0, 4).map(short).join(' ');
  output.line(
    '',
    `  ${output.mark('failed')} members have refused ${counted(refused.length, 'message')} of this node: ${named}`,
  );
}

function printMessage(
  run: Run<object>,
  { id, parcel, recordId, type }: MessageAnswer,
  names: (address: Address) => string,
  isWhole: boolean,
): void {
  const { output } = run;
  const { head, attachments, body } = parcel;
  output.line(`  ${type} by ${clip(names(head.sender), 42)}, ${head.time}`);
  if ('device' in head && head.device) output.line(`  made by the device ${clip(head.device.credential.name, 50)}`);
  output.line(
    recordId === undefined
      ? '  record    not in the log yet: records go there at random times'
      : `  record    ${recordId}`,
  );
  // In fields its properties have no order.
  const said = JSON.parse(canonicalText(wholeBody(body, head.sender))) as unknown;
  const lines = JSON.stringify(said, null, 2).split('\n');
  const isShort = lines.length <= shownBodyLines && lines.every(({ length }) => length <= shownLineLength);
  if (isWhole || isShort) output.line(...lines.map((line) => `  | ${line}`));
  else {
    output.line(`  | ${counted(lines.length, 'line')}, printed by`);
    output.line(`  |   ${nextCommand(run, `activity show ${short(head.activity)} ${short(id)}`)}`);
  }
  for (const [index, { name, sizeBytes }] of attachments.list.entries())
    output.line(`  file ${index}: ${clip(name, 48)}, ${sizeText(sizeBytes)}`);
}

/** One line of what somebody has noted: all of it `show ID MESSAGE` prints. */
function printNote({ output }: Run<object>, { id, parcel }: MessageAnswer, names: (address: Address) => string): void {
  const { head, body, attachments } = parcel;
  const said = wholeBody(body, head.sender);
  const text = typeof said === 'string' ? said : canonicalText(said);
  const files = attachments.list.length === 0 ? '' : `, ${counted(attachments.list.length, 'file')}`;
  output.line(`  note ${short(id)} by ${clip(names(head.sender), nameWidth)}, ${head.time.slice(0, 16)}${files}`);
  if ('device' in head && head.device) output.line(`  made by the device ${clip(head.device.credential.name, 50)}`);
  output.line(`  | ${clip(text.replace(/\s+/g, ' '), lineWidth - 4)}`);
}

function notesOn({ versions }: ActivityAnswer, version: Hash): readonly Hash[] {
  return versions.find(({ id }) => id === version)?.notes ?? [];
}

function newestNotes(activity: ActivityAnswer, version: Hash): readonly Hash[] {
  return notesOn(activity, version).slice(-shownNotes);
}

function printDeliveries(
  { output }: Run<unknown>,
  deliveries: readonly DeliveryAnswer[],
  names: (address: Address) => string,
): void {
  for (const { member, state, problem } of deliveries) {
    const mark = state === 'refused' ? 'failed' : state === 'queued' ? 'skipped' : 'passed';
    output.line(`  ${output.mark(mark)} ${clip(names(member), 42).padEnd(nameWidth)}  ${state}`);
    if (problem) output.line(`      ${clip(`${problem.code}: ${problem.detail}`, lineWidth - 6)}`);
  }
}
