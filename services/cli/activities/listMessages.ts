import { headSchema } from '../../core/activities/message.ts';
import type { MessageLineAnswer } from '../../lib/client/activityAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { limitOf, oneOf } from '../governance/listProposals.ts';
import { counted } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { clip, idAmong, namesIn, openActivity, short } from './ActivityRun.ts';
import { nextCommand } from './nextCommand.ts';

/** Options of `notarium activity messages`. */
export type MessagesFlags = CentreFlags & {
  readonly limit?: string;
  readonly type?: string;
  readonly on?: string;
};

const types = headSchema.options.map(({ shape }) => shape.type.value);
const nameWidth = 20;

/** `notarium activity messages`: the newest ones, in the order in which this centre has taken them. */
export async function listMessages(run: Run<MessagesFlags>, text: string): Promise<void> {
  const { options, output, signal } = run;
  const limit = limitOf(options.limit ?? '50');
  const type = oneOf('--type', options.type, types);
  const { activities, nameOf, id } = await openActivity(run, text);
  const activity = await activities.get(id, { signal });
  const on = options.on === undefined ? undefined : idAmong(options.on, activity.versions, 'version');
  const found: MessageLineAnswer[] = [];
  let left = 0;
  for await (const message of activities.messages(id, { signal })) {
    if (type !== undefined && message.type !== type) continue;
    if (on !== undefined && !message.on.includes(on)) continue;
    if (found.push(message) <= limit) continue;
    found.shift();
    left++;
  }
  output.json({ ok: true, activity: id, messages: found, left });
  if (found.length === 0) {
    output.note('There are none.');
    return;
  }
  const names = namesIn(activity, nameOf);
  const rows = found.map((message) => [
    ...[short(message.id), message.type, clip(names(message.sender), nameWidth), minuteText(message.time)],
    message.on.length > 1 ? counted(message.on.length, 'version') : (message.on.map(short)[0] ?? '-'),
    message.attachments.length === 0 ? '-' : `${message.attachments.length}`,
  ]);
  output.line(...table([['message', 'type', 'sender', 'time (UTC)', 'on', 'files'], ...rows], new Set([5])));
  if (left > 0) output.note(`  ${counted(left, 'message')} before these: --limit shows more`);
  output.note(`  One of them, whole: ${nextCommand(run, `activity show ${short(id)} MESSAGE`)}`);
}

function minuteText(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
