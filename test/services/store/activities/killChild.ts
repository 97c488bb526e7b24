import { keepPoolAwake } from '../../../../services/lib/keepPoolAwake.ts';
import { bob, carol, hashOf, openAt, stepOf } from './activityKit.ts';

/*
 * Saves steps of activities, many at once, and notes deliveries, until it is killed. Says each thing that was promised on standard output,
 * after the promise. Arguments: data folder, a name for what it writes, URL of a database or nothing.
 */
keepPoolAwake();
const [dataDir, round, databaseUrl] = process.argv.slice(2);
const store = await openAt({ dataDir: dataDir!, databaseUrl });
const say = (text: string): Promise<void> =>
  new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
await say('open');

const work = async (worker: number): Promise<void> => {
  // Workers of all processes share some activities.
  const activity = hashOf(`activity ${worker % 4}`);
  for (let index = 0; ; index++) {
    const name = `${round} ${worker} ${index}`;
    const step = stepOf(activity, name, index, [bob, carol]);
    await store.save({ ...step, messages: step.messages!.map((each) => ({ ...each, attachments: [hashOf(name)] })) });
    await say(`saved ${name}`);
    if (index % 3 !== 0) continue;
    const { sealDigest } = step.outgoing![0]!;
    await store.delivered([bob, carol].map((member) => ({ sealDigest, member, state: 'read' as const })));
    await say(`read ${name}`);
  }
};
await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
