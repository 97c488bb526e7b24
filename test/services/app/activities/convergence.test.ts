import { expect } from 'chai';
import fc from 'fast-check';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { type ActivityNode, ActivityWorld, operator } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

const numRuns = 4;

/** A network that loses requests, loses answers, and sends twice, as the dice say. */
function unreliable(net: Net, dice: () => number): Net {
  const real = net.request.bind(net);
  const request: Net['request'] = async function* (peer: Address, protocol, frames, options) {
    const copy = await Array.fromAsync(frames);
    const fate = protocol === activityProtocols.deliver ? dice() % 5 : 4;
    const lost = () => new NotariumError('peer-unreachable', 'lost', { data: { peer } });
    if (fate === 0) throw lost();
    if (fate === 1) await Array.fromAsync(real(peer, protocol, copy, options));
    if (fate === 2) {
      await Array.fromAsync(real(peer, protocol, copy, options));
      throw lost();
    }
    yield* real(peer, protocol, copy, options);
  };
  return Object.assign(net, { request });
}

const acts = fc.array(
  fc.record({
    by: fc.nat(2),
    kind: fc.constantFrom('update', 'merge', 'note', 'countersign', 'crash', 'members'),
  }),
  { minLength: 6, maxLength: 12 },
);
type Act = { readonly by: number; readonly kind: string };

async function perform(world: ActivityWorld, nodes: readonly ActivityNode[], activity: `0x${string}`, act: Act) {
  const node = nodes[act.by]!;
  if (act.kind === 'crash') {
    await node.close();
    await node.open();
    const directory = new Map(world.nodes.map(({ net }) => [net.address, net.multiaddrs] as const));
    for (const { net } of world.nodes) net.setDirectory(directory);
    return;
  }
  const { heads } = await node.desk.show(operator, activity);
  if (act.kind === 'update' || act.kind === 'merge') {
    const builds = act.kind === 'merge' ? heads : [heads[0]!];
    // What came in since the look may have replaced them.
    await node.desk.update(operator, activity, { body: act.by, builds }).catch((error: NotariumError) => {
      if (error.code !== 'activity-version-stale') throw error;
    });
  }
  if (act.kind === 'note') await node.desk.note(operator, activity, { on: heads[0]!, body: 'seen' });
  if (act.kind === 'countersign')
    await node.desk.countersign(operator, activity, heads[0]!).catch((error: NotariumError) => {
      if (error.code !== 'activity-message-known') throw error;
    });
  if (act.kind !== 'members') return;
  const late = world.nodes[3]!;
  const { members } = await nodes[0]!.desk.show(operator, activity);
  if (!members.some(({ address }) => address === late.address))
    await nodes[0]!.desk.changeMembers(operator, activity, { add: [{ party: late.name, role: 'receiver' }] });
}

describe('members of activities over a network that loses and repeats', () => {
  it('come to the same state, whatever was lost, sent twice or cut off by a crash', async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.infiniteStream(fc.nat(1000)), async (script, chance) => {
        const world = new ActivityWorld();
        const dice = (): number => chance.next().value as number;
        try {
          const all = await world.open(4, { wrapNet: (net) => unreliable(net, dice) });
          const nodes = all.slice(0, 3);
          const { activity, message } = await nodes[0]!.desk.start(operator, {
            ...{ kind: 'industrial', request: 'trust', receivers: [nodes[1]!.name, nodes[2]!.name], body: 0 },
          });
          await until('all have it', async () =>
            (await Promise.all(nodes.map((node) => node.has(message)))).every(Boolean),
          );
          for (const act of script) await perform(world, nodes, activity, act);
          const shown = await nodes[0]!.desk.show(operator, activity);
          const members = shown.members.length === 4 ? all : nodes;
          await until('all have the same', async () => {
            const states = await Promise.all(members.map((node) => node.state(activity)));
            return states.every((state) => JSON.stringify(state) === JSON.stringify(states[0]));
          });
          await until('nothing is on its way', async () =>
            (await Promise.all(members.map((node) => node.store.waiting()))).every(({ length }) => length === 0),
          );
          const [first, ...rest] = await Promise.all(members.map((node) => node.state(activity)));
          for (const state of rest) expect(state).to.deep.equal(first);
          for (const node of members) {
            // Who was just added may ask a member that has not heard of it yet.
            const early = await node.counted('messages_refused_total', { code: 'activity-not-member' });
            expect(await node.counted('messages_refused_total')).to.equal(early);
          }
        } finally {
          await world.close();
        }
      }),
      { numRuns, endOnFailure: true },
    );
  });
});
