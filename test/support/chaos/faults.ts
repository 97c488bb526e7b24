import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hash } from '../../../services/core/bytes.ts';
import { slotAt } from '../../../services/core/committee.ts';
import { databaseFile } from '../../../services/store/database.ts';
import { type AnvilControl, anvilControl } from '../anvil.ts';
import { untilProblem } from '../centreApi.ts';
import { statusOf } from '../centreProcess.ts';
import { until } from '../until.ts';
import type { ChaosNetwork } from './ChaosNetwork.ts';

/** One thing that goes wrong under load, and comes right again before it resolves. */
export type Fault = {
  readonly name: string;
  /** What the table counts. */
  readonly unit: string;
  /** Answers how often it happened. */
  run(network: ChaosNetwork): Promise<number>;
};

const clockShift = fileURLToPath(new URL('../clockShift.ts', import.meta.url));

/** Heights of the running centres. */
async function heights({ members }: ChaosNetwork): Promise<number[]> {
  const running = members.filter(({ isRunning }) => isRunning);
  return (await Promise.all(running.map(({ url }) => statusOf(url)))).map(({ anchoredHeight }) => anchoredHeight);
}

/** Waits until blocks have been added at the centre. */
async function progress(network: ChaosNetwork, at: number, blocks = 2): Promise<void> {
  const { url } = network.members[at]!;
  const from = (await statusOf(url)).anchoredHeight;
  await until(`${blocks} blocks more`, async () => (await statusOf(url)).anchoredHeight >= from + blocks, 120_000);
}

/** Waits for slots to pass, by the clock that all share. */
async function slots({ periodSeconds }: ChaosNetwork, count: number): Promise<void> {
  const from = slotAt(Date.now(), periodSeconds);
  await until(`${count} slots`, () => slotAt(Date.now(), periodSeconds) >= from + count, 120_000);
}

/** Holds the chain's blocks back until an anchor waits for one, lets something happen to it, and mines again. */
async function whileHeld(
  network: ChaosNetwork,
  act: (anvil: AnvilControl, waiting: Hash) => Promise<void>,
): Promise<void> {
  const anvil = anvilControl(network.chain.rpcUrl);
  await anvil.automine(false);
  const { hash } = await until('a transaction to wait', async () => (await anvil.pending())[0], 120_000);
  await act(anvil, hash);
  await anvil.automine(true);
  await anvil.mine(1);
  await progress(network, 0, 2);
}

/** Every fault that a consortium of four must survive; `scale` makes the long form longer. */
export function faultsOf(scale: number): Fault[] {
  return [
    {
      name: 'kill -9 of any centre at any moment',
      unit: 'kills',
      async run(network) {
        const kills = 4 * scale;
        for (let kill = 0; kill < kills; kill++) {
          const victim = network.members[kill % 4]!;
          await network.load.more(40);
          // A moment that differs each time, over intake, votes, anchor and import.
          await new Promise((done) => setTimeout(done, (kill * 237) % 1000));
          await victim.kill();
          await network.load.more(20);
          await victim.start();
        }
        return kills;
      },
    },
    {
      name: 'kill -9 of the publisher between its votes and its anchor',
      unit: 'kills',
      async run(network) {
        for (let kill = 0; kill < scale; kill++) {
          const victim = network.members[kill % 4]!;
          const killed = Promise.withResolvers<void>();
          network.gates[kill % 4]!.before('eth_sendRawTransaction', async () => {
            await victim.kill();
            killed.resolve();
          });
          await killed.promise;
          await progress(network, (kill + 1) % 4);
          await victim.start();
        }
        return scale;
      },
    },
    {
      name: 'a minority frozen (SIGSTOP) and resumed',
      unit: 'freezes',
      async run(network) {
        for (let freeze = 0; freeze < scale; freeze++) {
          const { child } = network.members[(freeze + 1) % 4]!.process;
          child.kill('SIGSTOP');
          await progress(network, freeze % 4, 3);
          child.kill('SIGCONT');
        }
        return scale;
      },
    },
    {
      name: 'a partition 2 | 2: no block may be sealed',
      unit: 'slots without a block',
      async run(network) {
        network.partition([0, 1], [2, 3]);
        const { blockNumber, count } = await network.anchors();
        await slots(network, 6 * scale);
        const after = await network.anchors();
        // One that had its votes already may still be on its way.
        if (after.count > count + 1) throw new Error(`${after.count - count} blocks since chain block ${blockNumber}`);
        network.heal();
        await progress(network, 0, 1);
        return 6 * scale;
      },
    },
    {
      name: 'a partition 3 | 1: blocks go on, the fourth catches up',
      unit: 'blocks missed',
      async run(network) {
        network.partition([0, 1, 2], [3]);
        const before = (await statusOf(network.members[3]!.url)).anchoredHeight;
        await progress(network, 0, 3 * scale);
        const [first, , , fourth] = await heights(network);
        network.heal();
        await until('the fourth to catch up', async () => (await heights(network))[3]! >= first!, 120_000);
        return Math.max(0, first! - Math.max(before, fourth!));
      },
    },
    {
      name: 'a clock 30 s off: it says so, and the others go on',
      unit: 'centres',
      async run(network) {
        const victim = network.members[2]!;
        const file = `${victim.dataDir} clock`;
        await writeFile(file, '30000');
        await victim.kill();
        const env = { NODE_OPTIONS: `--import ${JSON.stringify(clockShift)}`, TEST_CLOCK_FILE: file };
        await victim.start({ env });
        await untilProblem(victim.url, 'clock-skewed', 120_000);
        await progress(network, 0, 2);
        await writeFile(file, '0');
        await until('its clock is right', async () => (await statusOf(victim.url)).ready, 120_000);
        await victim.kill();
        await victim.start();
        return 1;
      },
    },
    {
      name: 'the RPC of the chain down, then back',
      unit: 'seconds',
      async run(network) {
        const seconds = scale === 1 ? 5 : 60;
        for (const gate of network.gates) gate.isShut = true;
        await untilProblem(network.members[0]!.url, 'chain-answer-invalid', 120_000);
        await slots(network, Math.ceil(seconds / network.periodSeconds));
        for (const gate of network.gates) gate.isShut = false;
        await progress(network, 0, 2);
        return seconds;
      },
    },
    {
      name: 'an anchor transaction dropped',
      unit: 'transactions',
      async run(network) {
        await whileHeld(network, async (anvil, waiting) => void (await anvil.rpc('anvil_dropTransaction', [waiting])));
        return 1;
      },
    },
    {
      name: 'an anchor transaction stuck and replaced',
      unit: 'transactions',
      async run(network) {
        await whileHeld(network, async (anvil, waiting) => {
          await until(
            'another with higher fees',
            async () => (await anvil.pending()).some(({ hash }) => hash !== waiting),
            120_000,
          );
        });
        return 1;
      },
    },
    {
      name: 'a full disk at one centre',
      unit: 'centres',
      async run(network) {
        const victim = network.members[1]!;
        // Ended in order, its database is one file, and the log before it is empty: there is room to start in, no more.
        await victim.stop();
        const { size } = await stat(join(victim.dataDir, databaseFile));
        // 512-byte blocks; the kernel fails every write beyond, for every user.
        const blocks = Math.ceil(size / 512) + 200;
        await victim.start({ wrap: ['sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'sh'] });
        await until(
          'its disk to be full',
          async () => (await statusOf(victim.url)).problems.some(({ code }) => code.startsWith('storage-')),
          120_000,
        );
        await progress(network, 0, 2);
        await victim.kill();
        await victim.start();
        return 1;
      },
    },
  ];
}

/** Faults of a chain that takes blocks back before they have the centres' confirmations. */
export function reorganisationsOf(scale: number): Fault[] {
  return [
    {
      name: 'anchors reorganised away before they are confirmed',
      unit: 'reorganisations',
      async run(network) {
        const anvil = anvilControl(network.chain.rpcUrl);
        const rounds = 3 * scale;
        for (let round = 0; round < rounds; round++) {
          const before = (await network.anchors()).count;
          await until('a new anchor', async () => (await network.anchors()).count > before, 120_000);
          await anvil.reorganise(1);
          await progress(network, round % 4, 1);
        }
        return rounds;
      },
    },
  ];
}
