import { expect } from 'chai';
import { registryInterface } from '../../../services/chain/interfaces.ts';
import { nodesReader } from '../../../services/chain/readRegistry.ts';
import { type Address, toHex } from '../../../services/core/bytes.ts';
import type { JsonRpc } from '../../../services/lib/jsonRpc.ts';

const registry = toHex(new Uint8Array(20).fill(0xaa)) as Address;
const addressOf = (number: number) => `0x${number.toString(16).padStart(40, '0')}` as Address;
const zeroWord = `0x${'00'.repeat(32)}`;

/** A registry of so many nodes as an RPC answers for it; `status` is that of the last one. */
function registryOf(counts: { nodes: number; status: number; calls: number }): JsonRpc {
  return async (_method, params) => {
    counts.calls++;
    const { data } = params[0] as { data: string };
    const [offset, limit] = registryInterface.decodeFunctionData('nodes', data).map(Number) as [number, number];
    const numbers = Array.from({ length: counts.nodes }, (_, index) => index + 1).slice(offset, offset + limit);
    const infos = numbers.map((number) => ({
      ...{ status: number === counts.nodes ? counts.status : 2, isAuthenticator: false, score: 0 },
      ...{ encryptionKey: zeroWord, noteKey: zeroWord, admittedAt: 0, appliedAt: 0, expiry: 0 },
      ...{ name: `node ${number}`, endpoint: '', profileDigest: zeroWord, application: '0x', published: '0x' },
    }));
    const fragment = registryInterface.getFunction('nodes');
    const tuple = fragment.outputs[1]!.arrayChildren!.components!;
    const rows = infos.map((info) =>
      tuple.map(({ name, type }) => fieldOf(info as Record<string, unknown>, name, type)),
    );
    return registryInterface.encodeFunctionResult('nodes', [numbers.map(addressOf), rows] as never);
  };
}

function fieldOf(info: Record<string, unknown>, name: string, type: string): unknown {
  const value = info[name];
  if (type === 'string' || type === 'bool') return value ?? (type === 'bool' ? false : '');
  if (type === 'bytes32') return zeroWord;
  if (type.startsWith('bytes')) return `0x${'00'.repeat(Number(type.slice(5)))}`;
  return value ?? 0;
}

describe('reader of the nodes of a registry', () => {
  it('reads all pages, the last of which may be an empty one', async () => {
    for (const [nodes, calls] of [
      [0, 1],
      [49, 1],
      [50, 2],
      [51, 2],
      [103, 3],
    ] as const) {
      const counts = { nodes, status: 2, calls: 0 };
      const read = await nodesReader(registry, registryOf(counts))();
      expect(read.map(({ address }) => address)).to.deep.equal(
        Array.from({ length: nodes }, (_, index) => addressOf(index + 1)),
      );
      expect(counts.calls, `${nodes} nodes`).to.equal(calls);
    }
  });

  it('decodes again only the page that has changed', async () => {
    const counts = { nodes: 60, status: 2, calls: 0 };
    const read = nodesReader(registry, registryOf(counts));
    const first = await read();
    const second = await read();
    expect(second).to.not.equal(first);
    expect(second.every((node, index) => node === first[index])).to.equal(true);

    counts.status = 3;
    const third = await read();
    expect(third[49]).to.equal(first[49]);
    expect(third[50]).to.deep.equal(first[50]);
    expect(third[50]).to.not.equal(first[50]);
    expect(third[59]?.status).to.equal('suspended');

    counts.nodes = 61;
    const fourth = await read();
    expect(fourth.length).to.equal(61);
    expect(fourth[49]).to.equal(first[49]);
  });
});
