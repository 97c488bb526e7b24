import { checkActive, findParty } from '../../app/activities/parties.ts';
import { parseNetworkName } from '../../core/eip712.ts';
import type { ActivityClient } from './ActivityRun.ts';

/**
 * Looks at who is named before files are sent, which may take hours; the centre looks again.
 * @throws NotariumError `party-unknown`, `party-ambiguous`, `party-unfit`.
 */
export function checkParties(
  { nodes, network }: Pick<ActivityClient, 'nodes' | 'network'>,
  parties: readonly string[],
): void {
  const { chainId } = parseNetworkName(network)!;
  // Of an older centre nothing is known but who there is.
  const called = nodes.map(({ address, name, endpoint, status = 'active' }) => ({ address, name, endpoint, status }));
  for (const party of parties)
    checkActive(findParty({ registry: { nodes: () => called }, network: { chainId } }, party));
}
