import { jsonRpc } from '../../../services/lib/jsonRpc.ts';
import { type Consortium, startConsortium } from '../consortium.ts';
import { expectSameLogs, untilSettled } from '../sameLogs.ts';
import type { Fault } from './faults.ts';
import { Load } from './Load.ts';
import { type RpcGate, rpcGate } from './rpcGate.ts';

/** What one fault came to. */
export type FaultReport = {
  readonly fault: string;
  readonly count: number;
  readonly unit: string;
  /** Records acknowledged while it happened; each of them is in the log exactly once. */
  readonly acknowledged: number;
  readonly seconds: number;
};

/** A consortium of four with wires that can be cut and a gate before each centre's chain, under load. */
export type ChaosNetwork = Consortium & {
  readonly gates: readonly RpcGate[];
  readonly periodSeconds: number;
  /** Clients of the fault that runs now. */
  readonly load: Load;
  /** Blocks anchored so far. */
  anchors(): Promise<{ blockNumber: number; count: number }>;
  /** Lets a fault happen under load, then checks that nothing was lost, and all agree. */
  suffer(fault: Fault): Promise<FaultReport>;
};

/** Starts it. */
export async function startChaosNetwork(
  options: {
    periodSeconds?: number;
    /** A chain with a block each second, and centres that wait for so many; at once, and one, by default. */
    confirmations?: number;
    /** Of the load, see {@link Load}: as much as leaves the processors some time for the tests that run beside it. */
    recordsPerBatch?: number;
  } = {},
): Promise<ChaosNetwork> {
  const { periodSeconds = 1, confirmations, recordsPerBatch = 8 } = options;
  const gates: RpcGate[] = [];
  const consortium = await startConsortium({
    centres: 4,
    periodSeconds,
    graceSeconds: 4,
    wires: true,
    args: ['--replace-after', '2', ...(confirmations ? ['--confirmations', String(confirmations)] : [])],
    ...(confirmations ? { chainArgs: ['--block-time', '1'] } : {}),
    rpcUrlOf: async (_, rpcUrl) => {
      const gate = await rpcGate(rpcUrl);
      gates.push(gate);
      return gate.rpcUrl;
    },
  });
  const acknowledged = new Set<`0x${string}`>();
  let load: Load | undefined;
  const network: ChaosNetwork = {
    ...consortium,
    gates,
    periodSeconds,
    get load() {
      if (!load) throw new Error('there is no load before a fault runs');
      return load;
    },
    async anchors() {
      const rpc = jsonRpc(consortium.chain.rpcUrl);
      const logs = (await rpc('eth_getLogs', [
        { address: consortium.deployed.contract, fromBlock: '0x0', toBlock: 'latest' },
      ])) as unknown[];
      return { blockNumber: Number(await rpc('eth_blockNumber', [])), count: logs.length };
    },
    async suffer(fault) {
      const startMs = performance.now();
      load = new Load(consortium, recordsPerBatch);
      try {
        let count: number;
        try {
          await load.more(40);
          count = await fault.run(network);
        } finally {
          await load.end();
        }
        for (const id of load.acknowledged) acknowledged.add(id);
        await untilSettled(consortium, { atLeast: acknowledged.size });
        await expectSameLogs(consortium, [...acknowledged], { receipts: 8 });
        const seconds = (performance.now() - startMs) / 1000;
        return { fault: fault.name, count, unit: fault.unit, acknowledged: load.acknowledged.size, seconds };
      } catch (error) {
        const logs = consortium.members.map(
          (member, at) => `--- centre ${at + 1}\n${member.process.stderr().slice(-3000)}`,
        );
        throw new Error(`${fault.name}: ${error instanceof Error ? error.message : error}\n${logs.join('\n')}`, {
          cause: error,
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await consortium[Symbol.asyncDispose]();
      await Promise.all(gates.map((gate) => gate.close()));
    },
  };
  return network;
}

/** The reports as a table. */
export function faultTable(reports: readonly FaultReport[]): string {
  const rows = reports.map(({ fault, count, unit, acknowledged, seconds }) => [
    fault,
    `${count} ${unit}`,
    `${acknowledged}`,
    '0',
    '0',
    `${seconds.toFixed(1)} s`,
  ]);
  const head = ['fault', 'how often', 'acknowledged', 'lost', 'twice', 'time'];
  const widths = head.map((text, at) => Math.max(text.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
