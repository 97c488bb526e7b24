import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  bundlesOf,
  collectItems,
  firstFrame,
  jsonFrame,
  packedFrames,
  protocols,
} from '../../services/app/replication/wire.ts';
import { type BlockHeader, blockDigest, zeroHash } from '../../services/core/block.ts';
import { type Address, concat, type Hash, toHex } from '../../services/core/bytes.ts';
import { publisherOf, slotAt } from '../../services/core/committee.ts';
import { networkName } from '../../services/core/eip712.ts';
import { isNotariumError, NotariumError } from '../../services/core/errors.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../../services/core/log/compactRange.ts';
import { decodeEntries } from '../../services/core/log/entryBundle.ts';
import { leafHash } from '../../services/core/sha256.ts';
import type { Signer } from '../../services/core/signature.ts';
import { openKeystore } from '../../services/lib/keystore.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import { lookUpPeer } from '../../services/net/discover.ts';
import type { Net, RequestHandler } from '../../services/net/Net.ts';
import { openNet } from '../../services/net/openNet.ts';
import { json } from './centreApi.ts';
import { password } from './centreProcess.ts';
import type { Consortium, Member } from './consortium.ts';
import { crypto } from './recordKit.ts';
import { until } from './until.ts';

/** As `startConsortium` sets it by default. */
const periodSeconds = 1;

/** What a proposal says of one record. */
export type Item = { readonly id: Uint8Array; readonly leaf: Uint8Array };

/** Entries with their ids, which the attacker may have made up. */
export type Forged = { readonly idBytes: Uint8Array; readonly entry: Uint8Array };

/**
 * A HOSTILE centre for tests: the key of a member, the wire formats of the real ones, limits of its own, and no rules. What it
 * answers to requests is set by the test; it answers none by itself.
 */
export type Attacker = AsyncDisposable & {
  readonly address: Address;
  readonly signer: Signer;
  readonly net: Net;
  /** Answers by protocol, instead of a refusal. */
  readonly answers: Map<string, RequestHandler>;
  /** Connects with these members, and with nobody else. */
  meet(...members: readonly Member[]): Promise<void>;
  /** Gossips to all that it is connected with, as soon as they listen to the topic. Each attempt needs bytes of its own. */
  gossip(topic: string, make: () => Promise<Uint8Array>): Promise<void>;
  /** Offers entries, to be asked for by their ids. */
  offer(entries: readonly Forged[]): Item[];
  /** A slot of its own, now or next, in which it has not shown a header of its own yet. */
  turn(): Promise<number>;
  /** A header that is right in all respects, but for what is given. */
  header(member: Member, items: readonly Item[], wrong?: Partial<BlockHeader>): Promise<BlockHeader>;
  /** Asks a member for its vote, and answers why there is none. */
  propose(member: Member, header: BlockHeader, items: readonly Item[], by?: Signer): Promise<NotariumError | undefined>;
  sign(header: BlockHeader, by?: Signer): Promise<{ header: BlockHeader; signature: `0x${string}` }>;
};

/** Opens the attacker with the key and at the endpoint of a member that is not running. */
export async function openAttacker(
  { network, members }: Consortium,
  { dataDir, address, spec }: Member,
): Promise<Attacker> {
  const { nodeKey } = await openKeystore(join(dataDir, 'keystore'), password);
  const signer = localSigner(nodeKey, crypto);
  const net = await openNet({
    privateKey: nodeKey,
    network: networkName(network),
    logger: silentLogger,
    // What it sends is bounded by the others alone.
    limits: {
      gossipBytes: 64 * 1024 * 1024,
      frameBytes: 64 * 1024 * 1024,
      openRequests: 1_000,
      cutOffScore: Number.MAX_SAFE_INTEGER,
    },
  });
  const server = createServer((request, response) => {
    if (request.url !== '/v1/peer') {
      response.writeHead(404).end();
      return;
    }
    const { peerId, multiaddrs } = net;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ address, peerId, multiaddrs }));
  }).listen(spec.port, '127.0.0.1');
  await once(server, 'listening');

  const answers = new Map<string, RequestHandler>();
  for (const protocol of Object.values(protocols)) {
    net.handle(protocol, async function* (frames, from, signal) {
      const answer = answers.get(protocol);
      if (!answer) throw new NotariumError('peer-refused');
      yield* answer(frames, from, signal);
    });
  }
  const offered = new Map<Hash, Uint8Array>();
  const giveOffered: RequestHandler = async function* (frames) {
    const fault = (detail: string): Error => new Error(detail);
    const ids = await collectItems(frames, { itemBytes: 32, maxItems: 1 << 20, fault });
    yield* bundlesOf(ids.map((id) => offered.get(toHex(id))).filter((entry) => entry !== undefined));
  };
  answers.set(protocols.records, giveOffered);
  let ownSlot = 0;
  /** The newest slot in which somebody has seen a header with its signature: a second one would be an equivocation. */
  let shownSlot = 0;

  const committeeOf = async ({ url }: Member) => {
    const { body } = await json(`${url}/v1/network`);
    return (body.committees as { epoch: number; members: Address[] }[]).at(-1)!;
  };
  const sign: Attacker['sign'] = async (header, by = signer) => ({
    header,
    signature: toHex(await by.sign(blockDigest(network, header))),
  });

  return {
    address,
    signer,
    net,
    answers,
    sign,
    async meet(...some) {
      await until('the attacker to be connected', async () => {
        const places = some.map(
          async (member) =>
            [member.address, await lookUpPeer(member.url, member.address, AbortSignal.timeout(120_000))] as const,
        );
        // A centre that was started again listens elsewhere.
        net.setDirectory(new Map(await Promise.all(places)));
        return net.peers().every(({ isConnected }) => isConnected);
      });
    },
    async gossip(topic, make) {
      await until('somebody to listen', async () => (await net.publish(topic, await make())) > 0);
    },
    offer(entries) {
      for (const { idBytes, entry } of entries) offered.set(toHex(idBytes), entry);
      return entries.map(({ idBytes, entry }) => ({ id: idBytes, leaf: leafHash(entry) }));
    },
    async turn() {
      const committee = await committeeOf(members[0]!);
      ownSlot = await until('a turn of the attacker', () => {
        const now = slotAt(Date.now(), periodSeconds);
        return [now, now + 1].find((slot) => slot > shownSlot && publisherOf(committee, slot) === address);
      });
      return ownSlot;
    },
    async header(member, items, wrong = {}) {
      const [{ body }, committee] = await Promise.all([json(`${member.url}/v1/blocks?limit=1`), committeeOf(member)]);
      const [last] = body.items as { header: BlockHeader; hash: Hash }[];
      const size = last?.header.treeSize ?? 0;
      let frontier = emptyFrontier;
      const query = jsonFrame({ from: 0, to: size });
      for await (const bundle of net.request(member.address, protocols.log, [query], { timeoutMs: 60_000 })) {
        // A tile may hold more than was asked for.
        const entries = decodeEntries(bundle).slice(0, size - frontier.size);
        frontier = appendLeaves(frontier, concat(...entries.map((entry) => leafHash(entry))));
      }
      frontier = appendLeaves(frontier, concat(...items.map(({ leaf }) => leaf)));
      return {
        height: (last?.header.height ?? 0) + 1,
        slot: ownSlot,
        treeSize: frontier.size,
        root: toHex(rootOf(frontier)),
        parent: last?.hash ?? zeroHash,
        epoch: committee.epoch,
        publisher: address,
        ...wrong,
      };
    },
    async propose(member, header, items, by) {
      if (!by && header.slot === ownSlot && header.publisher === address && header.epoch === 1) shownSlot = header.slot;
      const head = jsonFrame(await sign(header, by));
      const body = packedFrames(bytesOf(items));
      try {
        const answer = net.request(member.address, protocols.vote, [head, ...body], { timeoutMs: 60_000 });
        const { first } = await firstFrame(answer);
        return first ? undefined : new NotariumError('peer-answer-invalid');
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        return error;
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await net.close();
    },
  };
}

function bytesOf(items: readonly Item[]): Uint8Array {
  const bytes = new Uint8Array(64 * items.length);
  for (const [at, { id, leaf }] of items.entries()) {
    bytes.set(id, 64 * at);
    bytes.set(leaf, 64 * at + 32);
  }
  return bytes;
}
