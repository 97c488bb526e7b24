import { createCipheriv } from 'node:crypto';
import { messageOf } from '../../services/app/activities/Activities.ts';
import { copyFor } from '../../services/app/activities/copyFor.ts';
import { activityProtocols, framesOf, itemsOf } from '../../services/app/activities/exchange/items.ts';
import type { Ack } from '../../services/core/activities/ack.ts';
import type { Activity } from '../../services/core/activities/activity.ts';
import type { Envelope } from '../../services/core/activities/envelope.ts';
import type { Message } from '../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../services/core/activities/takeMessage.ts';
import { fromUtf8, type Hash } from '../../services/core/bytes.ts';
import { networkName } from '../../services/core/eip712.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { openingKey, Sealer, unseal } from '../../services/lib/activities/seal.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import type { Net, RequestHandler } from '../../services/net/Net.ts';
import { openNet } from '../../services/net/openNet.ts';
import { activityNetwork, type Person } from './activityKit.ts';
import type { ActivityNode, ActivityWorld } from './activityNodes.ts';

const bounds = { itemBytes: 1 << 20, items: 1000, bytes: 1 << 24 };
const sealer = new Sealer();

/** What a node answers to one item. */
export type ItemAnswer = { ack?: Ack; noted?: true; code?: string; detail?: string };

/** A HOSTILE peer for tests: the keys of a node that is closed, the wire formats of the real ones, and no rules. */
export type HostilePeer = {
  readonly person: Person;
  readonly net: Net;
  /** Answers by protocol, instead of a refusal. */
  readonly answers: Map<string, RequestHandler>;
  /** Sends what may be items of a delivery. */
  deliver(to: ActivityNode, ...items: readonly (string | Uint8Array)[]): Promise<ItemAnswer[]>;
  /** Sends an envelope. */
  envelope(to: ActivityNode, envelope: Envelope): Promise<ItemAnswer>;
  /** Sends frames of its own, and gives those of the answer. */
  send(to: ActivityNode, protocol: string, frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Buffer[]>;
};

/** Takes the place of a node. @param answers By protocol: from the first request on. */
export async function hostilePeer(
  world: ActivityWorld,
  node: ActivityNode,
  answers: HostilePeer['answers'] = new Map(),
): Promise<HostilePeer> {
  await node.close();
  const net = await openNet({
    privateKey: node.nodeKey,
    network: networkName(activityNetwork),
    logger: silentLogger,
    limits: { frameBytes: 64 << 20, openRequests: 5_000, cutOffScore: Number.MAX_SAFE_INTEGER },
  });
  for (const protocol of Object.values(activityProtocols))
    net.handle(protocol, async function* (frames, from, signal) {
      const answer = answers.get(protocol);
      if (!answer) throw new NotariumError('peer-refused');
      yield* answer(frames, from, signal);
    });
  world.guests.push(net);
  await world.connect();
  const send: HostilePeer['send'] = async (to, protocol, frames) => {
    const answer = net.request(to.address, protocol, frames, { timeoutMs: 60_000 });
    return (await Array.fromAsync(answer)).map((frame) => Buffer.from(frame));
  };
  const deliver: HostilePeer['deliver'] = async (to, ...sent) => {
    const answer = net.request(to.address, activityProtocols.deliver, framesOf(sent), { timeoutMs: 60_000 });
    const items = await Array.fromAsync(itemsOf(answer, bounds));
    return items.map((item) => JSON.parse(fromUtf8(item)) as ItemAnswer);
  };
  return {
    ...{ person: node.person, net, answers, send, deliver },
    async envelope(to, envelope) {
      const [answer] = await deliver(to, JSON.stringify(envelope));
      return answer!;
    },
  };
}

/** An activity as a node has it. */
export async function activityOf(node: ActivityNode, id: Hash): Promise<Activity> {
  const [first, ...rest] = (await node.store.messages(id)).map(messageOf);
  let activity = startActivity(first!);
  for (const message of rest) activity = takeMessage(activityNetwork, activity, message, { isWanted: true });
  return activity;
}

/** Seals a message to the members of its epoch, as its sender should. */
export async function sealedIn(activity: Activity, message: Message): Promise<Envelope> {
  const { head } = message;
  const { secret, membership } = activity.epochs.get(head.group)!;
  return { sealed: await sealer.seal(message, secret, membership.members) };
}

/** A copy for one, as a member passes it on. */
export async function copyOf(
  node: ActivityNode,
  { id, to }: { readonly id: Hash; readonly to: Person },
): Promise<Envelope> {
  const stored = (await node.store.message(id))!;
  return copyFor({ sealer }, { stored, activity: await activityOf(node, stored.activity), key: to.key });
}

/** Opens what is sealed to somebody and encrypts it again, changed, under the same key: a copy for that one, as {@link copyOf} makes it. */
export function resealed(
  { sealed }: Envelope,
  to: Person,
  change: { readonly iv?: Uint8Array; readonly protected?: string; readonly bytes?: (bytes: Uint8Array) => Uint8Array },
): Envelope {
  const { bytes, contentKey } = unseal(sealed, [openingKey(to.secret)]);
  const iv = change.iv ?? Buffer.from(sealed.iv, 'base64url');
  const header = change.protected ?? sealed.protected;
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(header));
  const ciphertext = Buffer.concat([cipher.update(change.bytes?.(bytes) ?? bytes), cipher.final()]);
  const text = (some: Uint8Array): string => Buffer.from(some).toString('base64url');
  return {
    sealed: {
      ...{ protected: header, iv: text(iv), ciphertext: text(ciphertext), tag: text(cipher.getAuthTag()) },
      recipients: sealed.recipients.filter((each) => each.header.kid === to.key),
    },
    copy: true,
  };
}

/** The same bytes, with a bit set in the last character of their base64url that belongs to none of them. */
export function withSpareBit(text: string): string {
  if (text.length % 4 === 0) throw new Error('no bit is spare in whole groups of four');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${text.slice(0, -1)}${alphabet[alphabet.indexOf(text.at(-1)!) + 1]}`;
}
