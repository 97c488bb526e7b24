/**
 * Measures what each operation costs and writes docs/gas.md; `--check` only compares, and fails on any difference or
 * on a ceiling that is broken. Always `receipt.gasUsed` of a transaction that is alone in its block, all storage cold.
 * Run `npx hardhat build` first.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { id, type TransactionReceipt, type TransactionResponse } from 'ethers';
import {
  type Block,
  compact,
  createKit,
  entryOf,
  type Header,
  type Kit,
  memberOf,
} from '../test/contracts/support/anchorKit.ts';
import { hex, leafHashOf } from '../test/contracts/support/referenceTree.ts';
import { admissionRows } from './support/admissionGas.ts';
import { channelRows } from './support/channelGas.ts';
import type { GasRow } from './support/GasRow.ts';
import { governorRows } from './support/governorGas.ts';

const file = fileURLToPath(new URL('../docs/gas.md', import.meta.url));

const million = 1_000_000n;

/** Makes every row on fresh chains in this process. */
export async function measureGas(): Promise<GasRow[]> {
  const all = [anchorRows, proofRows, registryRows, governorRows, admissionRows, channelRows];
  const rows: GasRow[] = [];
  for (const make of all) rows.push(...(await make()));
  return rows;
}

/** The file's text; two runs of the same contracts give the same text. */
export function gasTable(rows: readonly GasRow[]): string {
  const lines = rows.map(({ operation, gas, ceiling, missed, peer }) => {
    const most = ceiling === undefined ? '' : `${count(ceiling)}${missed === undefined ? '' : ' (missed)'}`;
    return `| ${operation} | ${count(gas)} | ${most} | ${peer ?? ''} |`;
  });
  const reasons = rows.flatMap(({ operation, missed }) =>
    missed === undefined ? [] : [`- ${operation}: ${missed}\n`],
  );
  return `# What it costs on chain

Made by \`node scripts/gas-table.ts\`, checked by the tests: do not edit. Each figure is \`receipt.gasUsed\` of a transaction
alone in its block, all storage cold. An anchor writes one new slot; its figure includes both headers, the signatures
and the shortest consistency proof there is (one element, from 1 entry to 2: about 1,250 of the gas). Ceilings are those
of the design; peers were measured in the same way unless a note says otherwise.

| operation | gas | ceiling | best peer |
| --- | ---: | ---: | --- |
${lines.join('\n')}

Ceilings that are missed, and why:

${reasons.join('')}`;
}

/** One line for each ceiling that does not hold without a reason, or holds in spite of one. */
export function brokenCeilings(rows: readonly GasRow[]): string[] {
  return rows.flatMap(({ operation, gas, ceiling, missed }) => {
    if (ceiling === undefined || gas > ceiling === (missed !== undefined)) return [];
    return [`${operation}: ${count(gas)} gas, ceiling ${count(ceiling)}${missed === undefined ? '' : ', which holds'}`];
  });
}

/** The committed text. */
export const committedGasTable = (): Promise<string> => readFile(file, 'utf8');

/** A committee of this size after one block of one entry, and the block that takes it to two. */
async function twoEntries(size: number): Promise<{ kit: Kit; first: Block; second: Block }> {
  // The gas of calldata depends on its zero bytes, so the period and with it the slot numbers are fixed.
  const kit = await createKit({ size, periodSeconds: 2 });
  const first = kit.blockOn(undefined, { treeSize: 1n });
  return { kit, first, second: kit.blockOn(first.header, { treeSize: 2n }) };
}

async function anchorRows(): Promise<GasRow[]> {
  const gas: bigint[] = [];
  for (const size of [1, 4, 7, 16]) {
    const { kit, first, second } = await twoEntries(size);
    await kit.mined(first);
    gas.push((await kit.mined(second)).gasUsed);
  }
  const { kit, first, second } = await twoEntries(4);
  const firstGas = (await kit.mined(first)).gasUsed;
  const four = kit.blockOn(first.header, { treeSize: 2n }, { signers: [0, 1, 2, 3] });
  const fourGas = (await kit.mined(four)).gasUsed;
  const again = (await kit.mined(four)).gasUsed;
  const bare = (await kit.mined({ ...four, proof: [], bitmap: 0n, signatures: '0x' })).gasUsed;
  const rollup = 'Optimism proposeL2Output 92,697 (one proposer, no proof)';
  expectSame(second.header, four.header);
  return [
    { operation: 'anchor, 1 of 1', gas: gas[0]!, peer: 'EAS timestamp 45,869 (no checks)' },
    { operation: 'anchor, 3 of 4', gas: gas[1]!, ceiling: 75_000n, peer: rollup },
    { operation: 'anchor, 3 of 4, the very first block (no proof)', gas: firstGas, ceiling: 75_000n, peer: rollup },
    { operation: 'anchor, 5 of 7', gas: gas[2]!, ceiling: 84_000n, peer: rollup },
    { operation: 'anchor, 11 of 16', gas: gas[3]! },
    {
      operation: 'one more signer',
      gas: fourGas - gas[1]!,
      ceiling: 5_100n,
      peer: 'Safe 1.5 7,046; OpenZeppelin MultiSignerERC7913 12,460 (floor 4,124)',
    },
    ...(await consistencyRows(gas[1]!)),
    { operation: 'resubmission of an anchored block (does nothing)', gas: again },
    { operation: 'resubmission, without proof and signatures', gas: bare },
  ];
}

/** On top of the plain anchor of 3 of 4. */
async function consistencyRows(plain: bigint): Promise<GasRow[]> {
  const cost = async (from: bigint, to: bigint): Promise<{ gas: bigint; elements: number }> => {
    const kit = await createKit({ size: 4, periodSeconds: 2 });
    const first = kit.blockOn(undefined, { treeSize: from });
    await kit.mined(first);
    const block = kit.blockOn(first.header, { treeSize: to });
    return { gas: (await kit.mined(block)).gasUsed, elements: block.proof.length };
  };
  const usual = await cost(million, million + 1_000n);
  // Below a power of two nearly every step of the walk hashes in both trees.
  const hard = await cost(2n ** 20n - 1n, 2n ** 20n + 3n);
  const ceiling = 30_000n;
  return [
    {
      operation: `consistency proof, 1,000,000 to 1,001,000 entries (${usual.elements} elements), extra`,
      gas: usual.gas - plain,
      ceiling,
    },
    {
      operation: `consistency proof, 2^20 - 1 to 2^20 + 3 entries (${hard.elements} elements, two hashes nearly each), extra`,
      gas: hard.gas - plain,
      ceiling,
    },
    {
      operation: 'anchor, 3 of 4, with that proof',
      gas: hard.gas,
      ceiling: 105_000n,
    },
  ];
}

async function proofRows(): Promise<GasRow[]> {
  const kit = await createKit({ size: 4, periodSeconds: 2 });
  const block = kit.blockOn(undefined, { treeSize: million });
  await kit.mined(block);
  const index = 765_432;
  const path = kit.tree.inclusion(index, Number(million));
  const leaf = hex(leafHashOf(new TextEncoder().encode('entry')));
  return [
    {
      operation: `verifyInclusion at 1,000,000 entries (${path.length} elements), as a transaction's estimate; free by eth_call`,
      gas: await kit.anchor.verifyInclusion.estimateGas(block.header, leaf, index, path),
    },
  ];
}

async function registryRows(): Promise<GasRow[]> {
  const rows: GasRow[] = [];
  const spent = async (operation: string, sent: Promise<TransactionResponse>, peer?: string): Promise<void> => {
    const { gasUsed } = (await (await sent).wait()) as TransactionReceipt;
    rows.push({ operation, gas: gasUsed, ...(peer === undefined ? {} : { peer }) });
  };
  for (const size of [1, 4, 7]) {
    const kit = await createKit({ size });
    rows.push({
      operation: `deployment of NodeRegistry, ${size} in the committee, about`,
      gas: await deployGas(kit.registry),
    });
    if (size === 1) rows.push({ operation: 'deployment of BlockAnchor, about', gas: await deployGas(kit.anchor) });
  }
  const kit = await createKit({ size: 4 });
  const { registry } = kit;
  const [governor, newcomer] = await kit.ethers.getSigners();
  const entry = { ...entryOf(memberOf(4), 4), account: newcomer!.address };
  await spent('setGovernor', registry.setGovernor(governor!.address));
  await spent('enroll', registry.enroll(entry));
  const mint = 'OpenZeppelin Votes mint + delegate 148,610; EAS attestByDelegation 255,908';
  await spent('activate, fifth member', registry.activate(entry.account), mint);
  await spent('suspend, fifth member', registry.suspend(entry.account));
  await spent('activate again', registry.activate(entry.account));
  await spent('update', registry.update({ ...entry, noteKey: id('other') }));
  const own = registry.connect(newcomer as never) as typeof registry;
  await spent('setEndpoint', own.setEndpoint('https://other.example'));
  await spent('remove, fifth member', registry.remove(entry.account));
  return [...rows, await reportRow()];
}

/** One of four signed two blocks of a slot; somebody else reports it. */
async function reportRow(): Promise<GasRow> {
  const { kit, first, second } = await twoEntries(4);
  const { key } = kit.members[1]!;
  const rival = { ...second.header, root: first.header.root };
  const [one, two] = [second.header, rival].map((header) => compact(key, kit.digestOf(header)));
  const sent = await kit.registry.reportEquivocation(second.header, one!, rival, two!);
  const { gasUsed } = (await sent.wait()) as TransactionReceipt;
  return { operation: 'report equivocation, one of four', gas: gasUsed };
}

/** To the nearest thousand: the bytecode ends with a hash of the sources, whose zero bytes change with any comment. */
async function deployGas(contract: Kit['registry'] | Kit['anchor']): Promise<bigint> {
  const { gasUsed } = (await contract.deploymentTransaction()!.wait()) as TransactionReceipt;
  return ((gasUsed + 500n) / 1_000n) * 1_000n;
}

/** The difference of two rows is the price of a signer only if nothing else differs. */
function expectSame(a: Header, b: Header): void {
  if (JSON.stringify(a, text) !== JSON.stringify(b, text)) throw new Error('the two headers differ');
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

const count = (value: bigint): string => value.toLocaleString('en-US');

if (import.meta.main) {
  const rows = await measureGas();
  const table = gasTable(rows);
  const broken = brokenCeilings(rows);
  for (const line of broken) console.error(`ceiling broken: ${line}`);
  if (!process.argv.includes('--check')) {
    await writeFile(file, table);
    console.log(table);
  } else if ((await committedGasTable()) !== table) {
    console.error('docs/gas.md is out of date: run node scripts/gas-table.ts');
    process.exitCode = 1;
  }
  if (broken.length > 0) process.exitCode = 1;
}
