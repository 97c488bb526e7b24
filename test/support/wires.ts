import { join } from 'node:path';
import { openKeystore } from '../../services/lib/keystore.ts';
import { type Identity, identityOf } from '../../services/net/identity.ts';
import { password } from './centreProcess.ts';
import { freePorts } from './freePorts.ts';
import { type TcpProxy, tcpProxy } from './tcpProxy.ts';

/** Wires between centres, one for each direction of each pair. */
export type Wires = {
  /** Command line of a centre that uses them. */
  argsOf(index: number): string[];
  partition(one: readonly number[], other: readonly number[]): void;
  heal(): void;
  close(): Promise<void>;
};

/**
 * Lays a wire from each centre to each other one.
 * @param onBytes Is told every byte between two centres, whoever of them has dialled.
 */
export async function wire(
  dataDirs: readonly string[],
  onBytes?: (from: number, to: number, bytes: Buffer) => void,
): Promise<Wires> {
  const ports = await freePorts(dataDirs.length);
  const identities: Identity[] = [];
  for (const dataDir of dataDirs) {
    const { nodeKey } = await openKeystore(join(dataDir, 'keystore'), password);
    identities.push(identityOf(nodeKey));
  }
  const wires = new Map<string, TcpProxy>();
  for (const [from] of ports.entries()) {
    for (const [to, port] of ports.entries()) {
      if (from === to) continue;
      const told = onBytes && ((bytes: Buffer) => onBytes(from, to, bytes));
      wires.set(`${from} ${to}`, await tcpProxy(port, told));
    }
  }
  return {
    argsOf(index) {
      const peers = identities.flatMap(({ address, peerId }, to) => {
        const proxy = wires.get(`${index} ${to}`);
        return proxy ? [`${address}=/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${peerId}`] : [];
      });
      return ['--listen', `/ip4/127.0.0.1/tcp/${ports[index]}`, '--peers', peers.join(',')];
    },
    partition(one, other) {
      for (const from of one) {
        for (const to of other) {
          wires.get(`${from} ${to}`)?.cut();
          wires.get(`${to} ${from}`)?.cut();
        }
      }
    },
    heal() {
      for (const proxy of wires.values()) proxy.heal();
    },
    async close() {
      await Promise.all([...wires.values()].map((proxy) => proxy.close()));
    },
  };
}
