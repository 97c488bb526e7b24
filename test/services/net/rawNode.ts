import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { gossipsub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { identityOf } from '../../../services/net/identity.ts';
import { network } from './netKit.ts';

const open: { stop(): unknown }[] = [];

/** Stops all raw nodes. */
export async function stopRawNodes(): Promise<void> {
  await Promise.all(open.splice(0).map((node) => node.stop()));
}

/** A libp2p node without any of our bounds: what a hostile or faulty peer can do. */
export async function rawNode(key: Uint8Array, networkOfNode = network) {
  const { privateKey, address } = identityOf(key);
  const protocolPrefix = `notarium/${networkOfNode}`;
  const node = await createLibp2p({
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ protocolPrefix }),
      gossip: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        floodPublish: true,
        allowPublishToZeroTopicPeers: true,
      }),
    },
  });
  open.push(node);
  return { node, address, multiaddrs: node.getMultiaddrs().map(String), prefix: `/${protocolPrefix}` };
}
