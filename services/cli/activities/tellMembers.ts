import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { counted } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import { type ActivityClient, clip } from './ActivityRun.ts';

const mostShown = 16;

/** Prints who the members are now: an endpoint is what a node says of itself, and may be another one's than whoever typed it meant. */
export async function tellMembers(
  { output, signal }: Pick<Run<unknown>, 'output' | 'signal'>,
  { activities }: Pick<ActivityClient, 'activities'>,
  id: Hash,
): Promise<void> {
  if (output.options.json) return;
  try {
    const { members } = await activities.get(id, { signal });
    for (const { name, role, address } of members.slice(0, mostShown))
      output.line(`  ${role.padEnd(9)}  ${clip(name ?? '', 22).padEnd(22)}  ${address}`);
    if (members.length > mostShown) output.line(`  and ${counted(members.length - mostShown, 'member')} more`);
  } catch (error) {
    // What was asked for is done, and is not to look as if it had failed.
    if (!isNotariumError(error)) throw error;
    output.note(`  Who the members are could not be read: ${error.code}`);
  }
}
