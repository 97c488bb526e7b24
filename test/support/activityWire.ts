import { activityProtocols, framesOf, itemsOf } from '../../services/app/activities/exchange/items.ts';
import type { HeadOf } from '../../services/core/activities/message.ts';
import type { Message } from '../../services/core/activities/parcel.ts';
import { fromUtf8 } from '../../services/core/bytes.ts';
import { Sealer } from '../../services/lib/activities/seal.ts';
import type { Net } from '../../services/net/Net.ts';
import type { ActivityNode } from './activityNodes.ts';

const bounds = { itemBytes: 1 << 20, items: 1000, bytes: 1 << 24 };
const sealer = new Sealer();

/** Texts as a node sends them that keeps to no rules, and their answers. */
export async function deliver(
  by: ActivityNode,
  to: ActivityNode,
  texts: readonly string[],
): Promise<Record<string, unknown>[]> {
  const frames = by.net.request(to.address, activityProtocols.deliver, framesOf(texts), { timeoutMs: 20_000 });
  const items = await Array.fromAsync(itemsOf(frames, bounds));
  return items.map((item) => JSON.parse(fromUtf8(item)));
}

/** A message as it goes to the members of the epoch that another one has opened. */
export function sealedIn(opener: Message, message: Message = opener): string {
  const { secret, membership } = opener.head as HeadOf<'start' | 'members'>;
  return JSON.stringify({ sealed: sealer.seal(message, secret, membership.members) });
}

/** Lets a node change the items of its answers to others. */
export function changingAnswers(net: Net, protocol: string, change: (items: string[]) => string[]): Net {
  const handle = net.handle.bind(net);
  return Object.assign(net, {
    handle: ((name, handler) =>
      handle(name, (frames, from, signal) => {
        const answer = handler(frames, from, signal);
        if (name !== protocol) return answer;
        return (async function* () {
          const items = await Array.fromAsync(itemsOf(answer, bounds));
          yield* framesOf(change(items.map(fromUtf8)));
        })();
      })) as Net['handle'],
  });
}
