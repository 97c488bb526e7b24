import { DiskCheck } from '../../services/app/admission/work/disk.ts';
import { workOn } from '../../services/app/admission/work/workOn.ts';
import {
  type Entry,
  type JoinRequest,
  joinRequestDigest,
  type SignedJoinRequest,
} from '../../services/core/admission/joinRequest.ts';
import { type Answer, answerTo, type Packet, seedOf } from '../../services/core/admission/packet.ts';
import { type Address, toHex } from '../../services/core/bytes.ts';
import { type Network, networkName } from '../../services/core/eip712.ts';
import type { Verifier } from '../../services/core/governance/signing.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { devAddress, devKey } from './chains.ts';

const crypto = await loadCrypto();

/** Somebody who wants to become a centre: development account `place`. */
export type Candidate = {
  readonly address: Address;
  readonly entry: Entry;
  request(authenticator: Address, changes?: Partial<JoinRequest>): JoinRequest;
  /** Text of a signed request. */
  signed(request: JoinRequest, key?: Uint8Array): Promise<string>;
  /** The right answer to a packet. */
  work(packet: Packet): Answer;
};

/** A candidate of a network. `folder` is where it writes for the disk check. */
export function candidateOf({
  network,
  registry,
  manifest,
  place,
  folder,
}: {
  readonly network: Network;
  readonly registry: Verifier;
  /** Canonical bytes. */
  readonly manifest: Uint8Array;
  readonly place: number;
  readonly folder: string;
}): Candidate {
  const address = devAddress(place);
  const disk = new DiskCheck(folder);
  let sentMs = 0;
  const entry: Entry = {
    name: `Candidate ${place}`,
    endpoint: `https://candidate-${place}.example`,
    encryptionKey: toHex(new Uint8Array(32).fill(place + 1)),
    noteKey: toHex(new Uint8Array(32).fill(place + 101)),
  };
  return {
    address,
    entry,
    request(authenticator, more = {}) {
      // Of two requests in one millisecond, one would have been used.
      sentMs = Math.max(sentMs + 1, Date.now());
      return {
        format: 'notarium-join/1',
        network: networkName(network),
        authenticator,
        candidate: address,
        purpose: 'join',
        entry,
        statement: 'We would like to take part.',
        reported: { software: 'notarium 0.1.0', cores: 2 },
        time: new Date(sentMs).toISOString(),
        ...more,
      };
    },
    async signed(request, key = devKey(place)) {
      const signature = await localSigner(key, crypto).sign(joinRequestDigest(registry, request));
      return JSON.stringify({ request, signature: toHex(signature) } satisfies SignedJoinRequest);
    },
    work(packet) {
      const seed = seedOf(packet, manifest, address);
      return answerTo(packet, workOn(packet, seed, { disk, onProgress: () => undefined }));
    },
  };
}
