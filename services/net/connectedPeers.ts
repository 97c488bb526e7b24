import type { Address } from '../core/bytes.ts';
import type { Net } from './Net.ts';

/** Peers that can be asked now. */
export function connectedPeers(net: Net | undefined): Set<Address> {
  return new Set(net?.peers().flatMap(({ address, isConnected }) => (isConnected ? [address] : [])));
}
