import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { Notarium } from '../../../services/index.ts';
import { until } from '../until.ts';

type Desk = Notarium['activities'];
/** A message with its contents, as a member has it. */
export type Said = Awaited<ReturnType<Desk['message']>>;

/** What was said between buyer, seller and carrier, and what of it nobody else may learn. */
export type ActivityScenes = {
  readonly group: readonly [Hash, Hash];
  /** All messages of both activities, in the order in which the buyer has taken them. */
  readonly messages: readonly Said[];
  /** What came after the carrier was removed from the first one. */
  readonly afterRemoval: readonly Said[];
  /** Words, names and files, by what they are. */
  readonly secrets: ReadonlyMap<string, string>;
};

/**
 * Plays a purchase with all that an activity has, and a second one among the same three; then the carrier is removed from the first one.
 * All of it is in the log when it resolves.
 */
export async function playActivities(
  [buyer, seller, carrier]: readonly [Desk, Desk, Desk],
  [, sellerName, carrierName]: readonly [string, string, string],
): Promise<ActivityScenes> {
  const secrets = new Map<string, string>();
  const secret = (what: string): string => {
    const word = `${what} ${randomBytes(6).toString('hex')}`;
    secrets.set(what, word);
    return word;
  };
  const reaches = (activity: Hash, message: Hash, ...desks: readonly Desk[]): Promise<unknown> =>
    until(`${message} to come`, async () => {
      const all = await Promise.all(desks.map((desk) => desk.message(activity, message).catch(() => undefined)));
      return all.every(Boolean);
    });
  const file = Buffer.concat([Buffer.from(secret('words of a file')), randomBytes(120_000)]);
  secrets.set('bytes of a file', `0x${file.subarray(70_000, 70_024).toString('hex')}`);
  const attachment = await buyer.putAttachment({
    ...{ name: secret('name of a file'), mediaType: 'application/pdf' },
    content: (async function* () {
      yield file;
    })(),
  });
  const receivers = [sellerName, carrierName];
  const first = await buyer.start({
    ...{ kind: 'industrial', request: 'both', receivers, attachments: [attachment] },
    schema: { type: 'object', title: secret('title of a schema') },
    body: { [secret('name of a field')]: secret('word of a body'), rules: secret('second word of a body') },
  });
  const { activity } = first;
  await reaches(activity, first.message, seller, carrier);
  const { content } = await seller.attachment(activity, { message: first.message, index: 0 });
  expect(Buffer.concat(await Array.fromAsync(content)).equals(file)).to.equal(true);
  const offer = await seller.update(activity, { body: { offer: secret('word of an update') }, fields: true });
  await reaches(activity, offer.message, buyer, carrier);
  for (const desk of [buyer, carrier]) await desk.countersign(activity, offer.message);
  await until('the certificate', () => seller.certificate(activity, offer.message).catch(() => undefined));
  await carrier.note(activity, { on: offer.message, body: secret('word of a note') });

  const other = await buyer.start({
    ...{ kind: 'industrial', request: 'information', receivers },
    body: secret('word of another activity'),
  });
  await reaches(other.activity, other.message, carrier);
  const reply = await carrier.update(other.activity, { body: secret('word of the carrier') });
  await reaches(other.activity, reply.message, buyer, seller);

  await buyer.changeMembers(activity, { remove: [carrierName] });
  const later = await buyer.update(activity, { body: { offer: secret('word after the removal') } });
  await reaches(activity, later.message, seller);
  const last = await seller.update(activity, { body: { offer: secret('last word') } });
  await reaches(activity, last.message, buyer);

  const messages: Said[] = [];
  for (const id of [activity, other.activity]) {
    for await (const line of buyer.messages(id)) {
      await buyer.receipt(id, line.id, { waitSeconds: 60 });
      messages.push(await buyer.message(id, line.id));
    }
  }
  return {
    ...{ group: [activity, other.activity], messages, secrets },
    afterRemoval: messages.filter(({ parcel: { head } }) => head.activity === activity && head.epoch > 0),
  };
}

/** Everything of the messages that is private by itself: ids, salts, secrets, keys and digests. */
export function privateParts(messages: readonly Said[]): Map<string, string> {
  const parts = new Map<string, string>();
  for (const { id, type, parcel, seal } of messages) {
    const { head, body, attachments, signature } = parcel;
    const all: Record<string, string> = {
      ...{ id, activity: head.activity, group: head.group as string, salt: head.salt as string, signature },
      ...{ bodySalt: body.salt, attachmentsSalt: attachments.salt },
      ...{ ciphertextDigest: seal.ciphertextDigest, protected: seal.protected, tag: seal.tag, iv: seal.iv },
      ...('secret' in head ? { secret: head.secret as string } : {}),
      ...Object.fromEntries(
        attachments.list.flatMap(({ key, digest, sealedDigest }, index) => [
          [`key of file ${index}`, key],
          [`digest of file ${index}`, digest],
          [`sealed digest of file ${index}`, sealedDigest],
        ]),
      ),
    };
    for (const [name, value] of Object.entries(all)) parts.set(`${name} of ${type} ${id.slice(0, 10)}`, value);
  }
  return parts;
}
