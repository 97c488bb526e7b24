import type { Command } from 'commander';
import { openActivity, short, withActivities } from '../activities/ActivityRun.ts';
import {
  addMember,
  leaveActivity,
  listMembers,
  type ProposeFlags,
  proposeMember,
  type RoleFlags,
  removeMember,
  voteOnMember,
} from '../activities/changeMembers.ts';
import { type IssueFlags, issueDevice, listDevices, revokeDevice } from '../activities/devices.ts';
import { listMessages, type MessagesFlags } from '../activities/listMessages.ts';
import { several, withContents } from '../activities/readContents.ts';
import { type AttachmentFlags, saveAttachment } from '../activities/saveAttachment.ts';
import {
  acknowledgeActivity,
  type NoteFlags,
  noteOnActivity,
  type StartFlags,
  startActivity,
  type UpdateFlags,
  updateActivity,
} from '../activities/sayActivity.ts';
import { type ListFlags, listActivities, showActivity } from '../activities/showActivity.ts';
import {
  type CertificateFlags,
  type DiscloseFlags,
  disclose,
  type ReceiptFileFlags,
  saveCertificate,
  saveReceipt,
} from '../activities/takeOut.ts';
import { type VerifyMessageFlags, verifyMessage } from '../activities/verifyMessage.ts';
import { type CentreFlags, withChain } from '../commandOptions.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';

const anActivity = 'id of the activity, or how it begins';
const aMessage = 'id of the message, or how it begins (default: the newest version)';

/** `notarium activity`. */
export function addActivity(program: Command, context: ProgramContext): void {
  const activity = program.command('activity').description('private exchanges that only the parties can read');
  addSaying(activity, context);
  addLooking(activity, context);
  addMembers(activity, context);
  addDevices(activity, context);
}

function addSaying(activity: Command, context: ProgramContext): void {
  withContents(withActivities(activity.command('start').description('begin an activity among parties')))
    .option('--kind <kind>', 'person-thing, thing-thing or industrial (default: industrial)')
    .option('--request <request>', 'information, trust (all countersign) or both (default: information)')
    .option(
      '--to <party>',
      'receiver: name, address (also eip155:…) or endpoint in the registry; may be repeated',
      several,
    )
    .option('--regulator <party>', 'who looks on; may be repeated', several)
    .option('--schema <file>', 'JSON Schema that every version has to fit')
    .option('--no-history', 'who joins later is not given what was said before')
    .option('--unanimous', 'proposals need all votes instead of most')
    .action(runs<StartFlags, []>(context, startActivity));
  withContents(withActivities(activity.command('update').description('send a new version')))
    .argument('<id>', anActivity)
    .option('--merge', 'in the place of all versions that are in conflict')
    .option('--on <version>', 'in the place of this version (default: the newest there is); may be repeated', several)
    .action(runs<UpdateFlags, [string]>(context, updateActivity));
  withContents(withActivities(activity.command('note').description('say something of a version')))
    .argument('<id>', anActivity)
    .option('--text <text>', 'what it says, instead of --body')
    .option('--on <version>', 'the version (default: the newest)')
    .action(runs<NoteFlags, [string]>(context, noteOnActivity));
  withActivities(activity.command('ack').description('countersign a version'))
    .argument('<id>', anActivity)
    .argument('[version]', 'the version (default: the newest)')
    .action(runs<CentreFlags, [string, string | undefined]>(context, acknowledgeActivity));
}

function addLooking(activity: Command, context: ProgramContext): void {
  withActivities(activity.command('list').description('activities of this client, the changed last first'))
    .option('--limit <count>', 'how many (default: 50)')
    .action(runs<ListFlags, []>(context, listActivities));
  withActivities(activity.command('show').description('members, versions, conflicts, and how far they have come'))
    .argument('<id>', anActivity)
    .argument('[message]', 'one message, whole')
    .action(runs<CentreFlags, [string, string | undefined]>(context, showActivity));
  withActivities(activity.command('messages').description('all that was said: versions, notes, votes and the rest'))
    .argument('<id>', anActivity)
    .option('--type <type>', 'of this type alone, such as note')
    .option('--on <version>', 'what is about this version alone')
    .option('--limit <count>', 'how many, the newest (default: 50)')
    .action(runs<MessagesFlags, [string]>(context, listMessages));
  withChain(withActivities(activity.command('verify').description('check that a message is what was notarised, whole')))
    .argument('<id>', anActivity)
    .argument('[message]', aMessage)
    .option('--offline', 'by the trusted committees alone, without the chain')
    .option('--wait [seconds]', 'wait for the receipt: so long, or 120 s (default: answer at once)')
    .action(runs<VerifyMessageFlags, [string, string | undefined]>(context, verifyMessage));
  withActivities(activity.command('attachment').description('write a file of a message'))
    .argument('<id>', anActivity)
    .argument('[number]', 'number of the file, from 0 (default: 0)')
    .option('--message <id>', 'the message (default: the newest version)')
    .option('--out <file>', 'where to (default: its name, in this folder)')
    .action(runs<AttachmentFlags, [string, string | undefined]>(context, saveAttachment));
  withActivities(activity.command('disclose').description('write a file that shows some of a message to a third party'))
    .argument('<id>', anActivity)
    .option('--message <id>', 'the message (default: the newest version)')
    .option('--fields <paths>', 'fields of the body, where it was notarised so (a.b,c)')
    .option('--whole', 'the whole body')
    .option('--author', 'who sent it, to whom and when')
    .option('--attachment <number>', 'a file, by its digest; may be repeated', several)
    .option('--no-receipt', 'without the receipt: `activity receipt` writes it beside it later')
    .option('--wait [seconds]', 'wait for the receipt: so long, or 120 s (default: answer at once)')
    .option('--out <file>', 'where to (default: <message>.disclosure.json)')
    .action(runs<DiscloseFlags, [string]>(context, disclose));
  withActivities(
    activity.command('receipt').description('write the receipt of a message, beside a disclosure without one'),
  )
    .argument('<id>', anActivity)
    .argument('[message]', aMessage)
    .option('--wait [seconds]', 'wait for it: so long, or 120 s (default: answer at once)')
    .option('--out <file>', 'where to (default: <message>.disclosure.json.receipt.json)')
    .action(runs<ReceiptFileFlags, [string, string | undefined]>(context, saveReceipt));
  withActivities(
    activity.command('certificate').description("write all members' signatures over a version, and their receipt"),
  )
    .argument('<id>', anActivity)
    .argument('[version]', 'the version (default: the newest)')
    .option('--no-receipt', 'the certificate alone')
    .option('--wait [seconds]', 'wait for signatures and receipt: so long, or 120 s (default: answer at once)')
    .option('--out <file>', 'where to (default: <version>.certificate.json); the receipt goes to <file>.receipt.json')
    .action(runs<CertificateFlags, [string, string | undefined]>(context, saveCertificate));
  withActivities(activity.command('give').description('give an activity to a client (operator only)'))
    .argument('<id>', anActivity)
    .argument('<key>', 'id of its API key, or "none" to take it back')
    .action(runs<CentreFlags, [string, string]>(context, give));
}

function addMembers(activity: Command, context: ProgramContext): void {
  const members = activity.command('members').description('who takes part');
  withActivities(members.command('list').description('the members'))
    .argument('<id>', anActivity)
    .action(runs<CentreFlags, [string]>(context, listMembers));
  withActivities(members.command('add').description('add parties (the initiator may)'))
    .argument('<id>', anActivity)
    .argument('<parties...>', 'names, addresses or endpoints')
    .option('--role <role>', 'receiver or regulator (default: receiver)')
    .action(runs<RoleFlags, [string, string[]]>(context, addMember));
  withActivities(members.command('remove').description('remove parties (the initiator may)'))
    .argument('<id>', anActivity)
    .argument('<parties...>', 'names, addresses or endpoints')
    .action(runs<CentreFlags, [string, string[]]>(context, removeMember));
  withActivities(members.command('leave').description('leave an activity'))
    .argument('<id>', anActivity)
    .action(runs<CentreFlags, [string]>(context, leaveActivity));
  withActivities(members.command('propose').description('put a change of the members to the vote'))
    .argument('<id>', anActivity)
    .option('--add <party>', 'whom to add: name, address or endpoint in the registry')
    .option('--remove <party>', 'whom to remove: name, address or endpoint')
    .option('--role <role>', 'receiver or regulator (default: receiver)')
    .action(runs<ProposeFlags, [string]>(context, proposeMember));
  withActivities(members.command('vote').description('vote on a proposal'))
    .argument('<id>', anActivity)
    .argument('<proposal>', 'id of the proposal, or how it begins')
    .argument('<vote>', 'for or against')
    .action(runs<CentreFlags, [string, string, string]>(context, voteOnMember));
}

function addDevices(activity: Command, context: ProgramContext): void {
  const device = activity.command('device').description('devices that speak through this node');
  withActivities(device.command('issue').description('let a device speak, for a time'))
    .argument('<address>', 'address of the key by which it signs')
    .option('--name <name>', 'what the members see')
    .option('--days <days>', 'how long it holds (default: 365)')
    .action(runs<IssueFlags, [string]>(context, issueDevice));
  withActivities(device.command('list').description('credentials of devices')).action(
    runs<CentreFlags, []>(context, listDevices),
  );
  withActivities(device.command('revoke').description('take a credential back'))
    .argument('<id>', 'id of the credential, or how it begins')
    .action(runs<CentreFlags, [string]>(context, revokeDevice));
}

async function give(run: Run<CentreFlags>, text: string, key: string): Promise<void> {
  const { output, signal } = run;
  const { activities, id } = await openActivity(run, text);
  const client = key === 'none' ? null : key;
  await activities.give(id, client, { signal });
  output.json({ ok: true, activity: id, client });
  output.line(
    `${output.mark('passed')} ${short(id)} ${client === null ? 'is the operator’s alone' : `is of ${client}`}`,
  );
}
