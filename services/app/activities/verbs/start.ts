import { activityId, deviceSalt, signOrigin } from '../../../core/activities/activityId.ts';
import { type Member, maxMembers, memberSchema, noHash, sortedMembers } from '../../../core/activities/members.ts';
import { termsSchema } from '../../../core/activities/message.ts';
import { networkName } from '../../../core/eip712.ts';
import { NotariumError } from '../../../core/errors.ts';
import { randomHash } from '../../../lib/randomHash.ts';
import type { ActivityCaller, SentMessage, StartRequest } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { contentsOf } from '../contentsOf.ts';
import { asMember, findParty, memberOfParty } from '../parties.ts';
import { Step } from '../Step.ts';

/** See `ActivityDesk.start`. */
export async function start(parts: ActivityParts, by: ActivityCaller, request: StartRequest): Promise<SentMessage> {
  const { kind, request: asked, rules, schema } = request;
  if ((request.salt === undefined) !== (request.device === undefined))
    throw new NotariumError('request-invalid', 'a device gives the salt that it has signed, and nobody else does');
  const members = sortedMembers(partiesOf(parts, request));
  const terms = termsSchema.safeParse({
    ...{ kind, request: asked },
    rules: { history: rules?.history ?? true, approval: rules?.approval ?? 'majority' },
    ...(schema === undefined ? {} : { schema }),
  });
  if (!terms.success) throw new NotariumError('request-invalid', terms.error.issues[0]!.message);
  const { body, attachments, device } = await contentsOf(parts, by, request);
  const { signer, network, crypto } = parts;
  const salt = device ? deviceSalt(device.credential.id, request.salt!, crypto.sha256) : randomHash();
  const origin = await signOrigin(network, salt, signer, crypto);
  const activity = activityId(networkName(network), origin, crypto.sha256);
  if (!device) parts.activities.noteAbsent(activity);
  return await parts.activities.change(activity, async () => {
    // No two are ever drawn at random.
    if (device && (await parts.store.activity(activity)))
      throw new NotariumError('request-invalid', 'the device has begun one with this salt');
    const step = new Step(parts, activity, undefined);
    const message = await step.send({
      head: {
        ...{ type: 'start', terms: terms.data, secret: randomHash(), origin },
        membership: { epoch: 0, previous: noHash, members },
        ...(device ? { device } : {}),
      },
      ...{ body, attachments },
    });
    await step.commit(by.client);
    return { activity, message };
  });
}

function partiesOf(parts: ActivityParts, { receivers, regulators = [] }: StartRequest): Member[] {
  const { signer } = parts;
  const own = asMember(findParty(parts, signer.address), 'initiator');
  if (receivers.length === 0) throw new NotariumError('request-invalid', 'an activity has a receiver');
  const members = [
    own,
    ...receivers.map((party) => memberOfParty(parts, party, 'receiver')),
    ...regulators.map((party) => memberOfParty(parts, party, 'regulator')),
  ].map((member) => memberSchema.parse(member));
  if (members.length > maxMembers) throw new NotariumError('request-invalid', `more than ${maxMembers} members`);
  const isAgain = ({ address }: Member, index: number): boolean =>
    members.findIndex((member) => member.address === address) !== index;
  const twice = members.findIndex(isAgain);
  if (twice > 0) {
    const named = [...receivers, ...regulators][twice - 1]!;
    const isOwn = members[twice]!.address === own.address;
    throw new NotariumError('request-invalid', isOwn ? `${named} takes part anyway` : `${named} is named twice`);
  }
  return members;
}
