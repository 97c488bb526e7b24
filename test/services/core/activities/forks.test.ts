import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import {
  activityId,
  isSignedOrigin,
  type Origin,
  signOrigin,
} from '../../../../services/core/activities/activityId.ts';
import { forksOf, isForked } from '../../../../services/core/activities/forks.ts';
import { type Membership, noHash, sortedMembers } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import { type Message, parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { concat, fromHex, type Hex, toHex } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  memberFor,
  type Person,
  person,
  randomHash,
  randomKey,
  say,
  update,
} from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto } from '../../../support/recordKit.ts';

const [buyer, seller, carrier, stranger] = [1, 2, 3, 5].map(person) as [Person, Person, Person, Person];
const take = (activity: Activity, ...messages: Message[]): Activity =>
  messages.reduce((now, message) => takeMessage(activityNetwork, now, message), activity);

/** Another beginning of the same activity, maybe among others. */
async function again(first: Message, people: readonly Person[], options: { by?: Person; secret?: true } = {}) {
  const head = first.head as HeadOf<'start'>;
  const { by = buyer } = options;
  const members = people
    .map((one) => memberFor(one, one === by ? 'initiator' : 'receiver'))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const membership: Membership = { epoch: 0, previous: noHash, members };
  const secret = options.secret ? head.secret : randomHash();
  const { activity, terms, origin } = head;
  const group = groupDigest({ activity, sender: by.address, terms, membership, secret });
  return await say(by, 'start', { activity, epoch: 0, group, terms, membership, secret, origin }, { step: 'another' });
}

const same = ({ group, heads, terms, epochs }: Activity) => ({
  ...{ group, heads, terms },
  epochs: [...epochs].map(([digest, { by }]) => [digest, by]).toSorted(),
});

describe('an activity of which members were told different things', () => {
  it('has both beginnings, in conflict, whichever came first', async () => {
    const first = await begin([buyer, seller, carrier]);
    for (const second of [
      await again(first, [buyer, seller, carrier]),
      await again(first, [buyer, seller]),
      await again(first, [buyer, seller, carrier], { secret: true }),
    ]) {
      const [one, two] = [take(startActivity(first), second), take(startActivity(second), first)];
      expect(same(one)).to.deep.equal(same(two));
      expect(one.heads).to.deep.equal([first.id, second.id].toSorted());
      expect(isForked(one)).to.equal(true);
      expect(forksOf(one)).to.deep.equal([
        { type: 'start', sender: buyer.address, messages: [first.id, second.id].toSorted() },
      ]);
      await expectCode('activity-message-known', () => take(one, second));
    }
    expect(forksOf(startActivity(first))).to.deep.equal([]);
  });

  it('is begun by nobody but its initiator', async () => {
    const first = await begin([buyer, seller]);
    const forged = await again(first, [stranger, seller], { by: stranger });
    const own = await begin([stranger, seller], { changes: { activity: first.head.activity } });
    const { origin } = own.head as HeadOf<'start'>;
    const named = await begin([stranger, seller], { changes: { origin: { ...origin, initiator: buyer.address } } });
    const unsealed = await begin([buyer, seller], { changes: { group: randomHash() } });
    for (const message of [forged, own, named, unsealed])
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(message), crypto));
    readParcel(activityNetwork, parcelBytes(first), crypto);
  });

  it('is said to have been begun by nobody who has not the word of its initiator', async () => {
    const first = await begin([buyer, seller]);
    const { origin, terms } = first.head as HeadOf<'start'>;
    const salt = randomHash();
    const elsewhere = { ...activityNetwork, chainId: activityNetwork.chainId + 1 };
    const added = (by: Person, as: Origin) => {
      const activity = activityId(networkName(activityNetwork), as);
      const members = [memberFor(by, 'receiver'), memberFor(carrier, 'receiver')];
      const membership = { epoch: 7, previous: randomHash(), members: sortedMembers(members) };
      const opening = { terms, membership, secret: randomHash(), heads: [] };
      const group = groupDigest({ activity, sender: by.address, ...opening });
      return say(by, 'members', { activity, epoch: 7, group, origin: as, ...opening });
    };
    const { signature: byStranger } = await signOrigin(activityNetwork, origin.salt, stranger.signer);
    const { signature: ofAnother } = await signOrigin(activityNetwork, salt, buyer.signer);
    const { signature: inAnother } = await signOrigin(elsewhere, origin.salt, buyer.signer);
    const raw = fromHex(origin.signature);
    const flipped = toHex(concat(raw.subarray(0, 64), Uint8Array.of(55 - raw[64]!)));
    for (const signature of [byStranger, ofAnother, inAnother, flipped, `0x${'00'.repeat(65)}` as Hex]) {
      const forged = await added(stranger, { ...origin, signature });
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(forged), crypto));
      expect(isSignedOrigin(activityNetwork, { ...origin, signature })).to.equal(false);
    }
    // Who was given it has it.
    readParcel(activityNetwork, parcelBytes(await added(seller, origin)), crypto);
  });

  it('has one origin for all, also where its initiator has signed it in two ways', async () => {
    const first = await begin([buyer, seller, carrier]);
    const { origin } = first.head as HeadOf<'start'>;
    // ECDSA has as many signatures that are right as there are nonces.
    const sign = async (digest: Uint8Array) => {
      const key = new Uint8Array(32).fill(1);
      const options = { prehash: false, extraEntropy: true, format: 'recovered' } as const;
      const [recovery, ...rs] = secp256k1.sign(digest, key, options);
      return Uint8Array.of(...rs, 27 + recovery!);
    };
    const other = await signOrigin(activityNetwork, origin.salt, { ...buyer.signer, sign });
    expect(other.signature).not.to.equal(origin.signature);
    expect(isSignedOrigin(activityNetwork, other)).to.equal(true);
    const start = startActivity(first);
    const change = await changeMembers(start, buyer, { remove: carrier.address }, {}, other);
    readParcel(activityNetwork, parcelBytes(change), crypto);
    const rival = await again(first, [buyer, seller]);
    const twice = await say(buyer, 'start', { ...(rival.head as HeadOf<'start'>), origin: other }, 'again');
    const least = [origin, other].toSorted((a, b) => (a.signature < b.signature ? -1 : 1))[0];
    for (const order of [
      [first, change, twice],
      [first, twice, change],
    ]) {
      const [begun, ...rest] = order as [Message, ...Message[]];
      const now = take(startActivity(begun), ...rest);
      expect(now.origin).to.deep.equal(least);
      expect(now.id).to.equal(first.head.activity);
      expect(now.taken).to.have.property('size', 3);
    }
    expect(take(startActivity(twice), first, change).origin).to.deep.equal(least);
  });

  it('shows two changes of the members by one sender; by two senders they are no lie', async () => {
    const first = startActivity(await begin([buyer, seller, carrier]));
    const changes = [
      await changeMembers(first, buyer, { remove: seller.address }),
      await changeMembers(first, buyer, { remove: carrier.address }),
    ];
    for (const order of [changes, changes.toReversed()]) {
      const forked = take(first, ...order);
      expect(forksOf(forked)).to.deep.equal([
        { type: 'members', sender: buyer.address, messages: changes.map(({ id }) => id).toSorted() },
      ]);
      expect(isForked(forked)).to.equal(false);
    }
    const { members } = first.epochs.get(first.group)!.membership;
    const rekeyed = members.map((one) => (one.address === seller.address ? { ...one, key: randomKey() } : one));
    const honest = take(first, await changeMembers(first, seller, rekeyed), changes[0]!);
    expect(forksOf(honest)).to.deep.equal([]);
  });

  it('is the same for all in whatever order beginnings, changes and versions came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (chance) => {
        const first = await begin([buyer, seller, carrier]);
        const second = await again(first, [buyer, seller, carrier]);
        const [left, right] = [startActivity(first), startActivity(second)];
        const rest = [
          await update(left, seller),
          await update(right, carrier),
          await changeMembers(left, buyer, { remove: carrier.address }),
          await changeMembers(right, buyer, { add: memberFor(stranger, 'receiver') }),
        ];
        const ends = [left, right].map((begun) => {
          let waiting = [first, second, ...rest]
            .map((message) => ({ message, at: chance.next().value as number }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ message }) => message);
          let now = begun;
          // What comes early is tried again.
          for (let round = 0; round < 4; round++) {
            waiting = waiting.filter((message) => {
              try {
                now = takeMessage(activityNetwork, now, message, { isWanted: true });
                return false;
              } catch (error) {
                return (error as { code: string }).code === 'activity-message-early';
              }
            });
          }
          expect(waiting).to.deep.equal([]);
          return now;
        });
        expect(same(ends[0]!)).to.deep.equal(same(ends[1]!));
      }),
      { numRuns: 60 },
    );
  });
});
