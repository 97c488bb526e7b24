import { NotariumError } from '../../core/errors.ts';
import type { MemberRequest } from '../../lib/client/activityRequests.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { oneOf } from '../governance/listProposals.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { clip, idAmong, openActivity, short } from './ActivityRun.ts';
import { tellSent } from './sayActivity.ts';
import { tellMembers } from './tellMembers.ts';

/** Option of commands that add somebody. */
export type RoleFlags = CentreFlags & { readonly role?: string };
/** Options of `notarium activity members propose`. */
export type ProposeFlags = RoleFlags & { readonly add?: string; readonly remove?: string };

const roles = ['receiver', 'regulator'] as const;

/** `notarium activity members list`. */
export async function listMembers(run: Run<CentreFlags>, text: string): Promise<void> {
  const { output, signal } = run;
  const { activities, id } = await openActivity(run, text);
  const { members, epoch } = await activities.get(id, { signal });
  output.json({ ok: true, epoch, members });
  output.line(
    ...table([
      ['name', 'role', 'address'],
      ...members.map((each) => [clip(each.name ?? '', 24), each.role, each.address]),
    ]),
  );
}

/** `notarium activity members add`. */
export async function addMember(run: Run<RoleFlags>, text: string, parties: readonly string[]): Promise<void> {
  const client = await openActivity(run, text);
  const { activities, id } = client;
  const add = parties.map((party) => memberOf(run, party));
  const sent = await activities.changeMembers(id, { add }, { signal: run.signal });
  tellSent(run, sent, `added ${parties.join(', ')}`);
  await tellMembers(run, client, id);
}

/** `notarium activity members remove`. */
export async function removeMember(run: Run<CentreFlags>, text: string, parties: readonly string[]): Promise<void> {
  const { activities, id } = await openActivity(run, text);
  const sent = await activities.changeMembers(id, { remove: parties }, { signal: run.signal });
  tellSent(run, sent, `removed ${parties.join(', ')}: what comes now cannot be read there`);
}

/** `notarium activity members leave`. */
export async function leaveActivity(run: Run<CentreFlags>, text: string): Promise<void> {
  const { activities, id } = await openActivity(run, text);
  tellSent(run, await activities.leave(id, { signal: run.signal }), `left ${short(id)}`);
}

/** `notarium activity members propose`. */
export async function proposeMember(run: Run<ProposeFlags>, text: string): Promise<void> {
  const { options, signal, output } = run;
  const { add, remove } = options;
  if ((add === undefined) === (remove === undefined))
    throw new NotariumError('usage-invalid', 'either --add PARTY or --remove PARTY');
  const { activities, id } = await openActivity(run, text);
  const change = add === undefined ? { remove: remove! } : { add: memberOf(run, add) };
  const sent = await activities.propose(id, change, { signal });
  tellSent(run, sent, `proposed ${sent.message}`);
  output.note(
    '  Each other member but a regulator votes at its own centre:',
    `    notarium activity members vote ${short(id)} ${short(sent.message)} for`,
  );
}

/** `notarium activity members vote`. */
export async function voteOnMember(run: Run<CentreFlags>, text: string, on: string, word: string): Promise<void> {
  const { signal } = run;
  const isFor = oneOf('<vote>', word, ['for', 'against'] as const) === 'for';
  const { activities, id } = await openActivity(run, text);
  const { proposals } = await activities.get(id, { signal });
  const proposal = idAmong(on, proposals, 'proposal');
  const sent = await activities.vote(id, proposal, isFor, { signal });
  tellSent(run, sent, `voted ${isFor ? 'for' : 'against'} ${short(proposal)}`);
}

function memberOf({ options }: Run<RoleFlags>, party: string): MemberRequest {
  return { party, role: oneOf('--role', options.role, roles) ?? 'receiver' };
}
