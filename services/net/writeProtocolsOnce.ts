import type { Libp2p, Peer } from '@libp2p/interface';

// libp2p forgets who was not written for six hours, connected or not.
const writtenMs = 10 * 60_000;

/**
 * libp2p writes down at each stream, at both ends, that the peer speaks its protocol: it reads, sorts, compares and stores all that it knows of the peer,
 * which takes several times as long as a small request itself. What was written a short time ago is not written again.
 */
export function writeProtocolsOnce(node: Libp2p): void {
  const { peerStore } = node;
  const written = new Map<string, { readonly peer: Peer; readonly untilMs: number }>();
  const merge = peerStore.merge.bind(peerStore);
  peerStore.merge = async (id, data, options) => {
    const name = id.toString();
    const { protocols, ...others } = data;
    const before = written.get(name);
    if (protocols && before && Object.keys(others).length === 0 && performance.now() < before.untilMs) {
      if (protocols.every((protocol) => before.peer.protocols.includes(protocol))) return before.peer;
    }
    const peer = await merge(id, data, options);
    written.set(name, { peer, untilMs: performance.now() + writtenMs });
    return peer;
  };
  // By whatever way.
  node.addEventListener('peer:update', ({ detail }) => written.delete(detail.peer.id.toString()));
}
