import type { RootAnswer, RootTask } from './rootTask.ts';
import type { Row } from './support/Row.ts';
import { runChild } from './support/runChild.ts';

const leaves = 2 ** 20;
const fewLeaves = 2 ** 16;

/** Root over a million leaf hashes on one thread, beside merkletreejs and OpenZeppelin's merkle-tree. */
export async function root(): Promise<Row[]> {
  const task: RootTask = { leaves, fewLeaves };
  const answer = await runChild<RootAnswer>(new URL('./rootTask.ts', import.meta.url), task);
  const { oursMs, merkletreejsMs, fewOursMs, fewOpenZeppelinMs, hasher } = answer;
  return [
    {
      figure: 'root over 1 M leaves, one thread',
      value: oursMs,
      unit: 'ms',
      target: { atMost: 250 },
      beside: { name: 'ms merkletreejs, 1 M', value: merkletreejsMs },
      note: `2^20 leaf hashes, SHA-256 by ${hasher}; merkletreejs with native SHA-256 of node:crypto`,
    },
    { figure: 'times as fast as merkletreejs, 1 M', value: merkletreejsMs / oursMs, unit: 'x', target: { atLeast: 8 } },
    {
      figure: 'times as fast as OpenZeppelin, 64 k',
      value: fewOpenZeppelinMs / fewOursMs,
      unit: 'x',
      target: { atLeast: 200 },
      note: `at 2^16 leaves, ${Math.round(fewOpenZeppelinMs)} ms against ${fewOursMs.toFixed(1)} ms, since 1 M takes OpenZeppelin minutes; its SimpleMerkleTree hashes by keccak-256 and sorts the leaves`,
    },
  ];
}
