import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Address } from '../core/bytes.ts';
import type { Logger } from '../lib/logger.ts';
import { addressOfMultiaddr, addressOfPeer } from './identity.ts';
import type { NetMetrics } from './netMetrics.ts';

/** Why a peer is not admitted. */
type Refusal = 'stranger' | 'cut-off';

/**
 * Decides on connections by the address that follows from the peer id: after the handshake has proved the key, before
 * the multiplexer is set up, so that no byte of an application is read from anybody else.
 */
export function connectionGater(options: {
  refusalOf: (address: Address | undefined) => Refusal | undefined;
  logger: Logger;
  metrics: NetMetrics;
}): ConnectionGater {
  const { refusalOf, logger, metrics } = options;
  const denies = (peerId: PeerId, direction: 'inbound' | 'outbound'): boolean => {
    const address = addressOfPeer(peerId);
    const reason = refusalOf(address);
    if (reason === undefined) return false;
    metrics.refused.inc({ reason });
    // Strangers may come as often as they like: that must not fill the log of production.
    logger.debug({ peer: address ?? peerId.toString(), reason, direction }, 'connection refused');
    return true;
  };
  return {
    denyDialPeer: (peerId) => refusalOf(addressOfPeer(peerId)) !== undefined,
    denyDialMultiaddr: (address: Multiaddr) => refusalOf(addressOfMultiaddr(address.toString())) !== undefined,
    denyInboundEncryptedConnection: (peerId) => denies(peerId, 'inbound'),
    denyOutboundEncryptedConnection: (peerId) => denies(peerId, 'outbound'),
    // A peer is dialled where the directory says, never where somebody (itself included) claims that it is.
    filterMultiaddrForPeer: () => false,
  };
}
