import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import type { BriefResult } from '../../../../services/app/Centre.ts';
import type { Address, Hash } from '../../../../services/core/bytes.ts';
import { keepPoolAwake } from '../../../../services/lib/keepPoolAwake.ts';
import { ActivityWorld, operator } from '../../../support/activityNodes.ts';
import type { FromSender, KillPoint, ToSender } from './killSenderMessages.ts';

/*
 * The first node of a world, in a process of its own, which sends until it has come to a point for so many times, and kills itself there. The
 * other nodes and the log are in the process that has begun it. Its argument: see Begun.
 */
keepPoolAwake();

export type Begun = {
  readonly folder: string;
  readonly databaseUrl?: string | undefined;
  readonly others: readonly (readonly [Address, readonly string[]])[];
  readonly point: KillPoint;
  readonly times: number;
};

const begun = JSON.parse(process.argv[2]!) as Begun;
const tell = (message: FromSender): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()));

let times = 0;
function at(point: KillPoint): void {
  if (point === begun.point && ++times === begun.times) process.kill(process.pid, 'SIGKILL');
}

/** Calls of the kind, with a point before their result is known to who has called. */
function after<A extends unknown[], R>(point: KillPoint, call: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    const result = await call(...args);
    at(point);
    return result;
  };
}

const world = new ActivityWorld(begun.folder);
const answers = new Map<number, (results: BriefResult[]) => void>();
process.on('message', ({ id, results }: ToSender) => answers.get(id)!(results));
let asked = 0;
world.accept = after('handed in', (lines) => {
  const id = ++asked;
  const { promise, resolve } = Promise.withResolvers<BriefResult[]>();
  answers.set(id, resolve);
  void tell({ accept: { id, lines: [...lines] } });
  return promise;
});

const [node, ...receivers] = world.add(3, {
  databaseUrl: begun.databaseUrl,
  wrapNet: (net) => {
    const real = net.request.bind(net);
    return Object.assign(net, {
      request: (...[peer, protocol, frames, options]: Parameters<typeof real>) => {
        if (protocol !== activityProtocols.deliver) return real(peer, protocol, frames, options);
        const sent = (async function* () {
          for await (const frame of frames) {
            at('sending');
            yield frame;
          }
        })();
        const answer = real(peer, protocol, sent, options);
        return (async function* () {
          for await (const frame of answer) {
            at('answered');
            yield frame;
          }
        })();
      },
    });
  },
  wrapStore: (store) => ({
    ...store,
    save: after('committed', store.save),
    delivered: after('acknowledged', store.delivered),
    recordsTaken: after('noted', store.recordsTaken),
  }),
});
await node!.open();
node!.net.setDirectory(new Map(begun.others));
await tell({ listens: node!.net.multiaddrs });

const { items } = await node!.desk.list(operator, { limit: 1 });
let activity: Hash | undefined = items[0]?.id;
for (let step = 0; ; step++) {
  let sent: { activity: Hash; message: Hash };
  if (activity === undefined) {
    const start = {
      kind: 'industrial',
      request: 'trust',
      receivers: receivers.map(({ name }) => name),
      body: step,
    } as const;
    sent = await node!.desk.start(operator, start);
    activity = sent.activity;
  } else sent = await node!.desk.update(operator, activity, { body: step });
  await tell({ sent: sent.message });
}
