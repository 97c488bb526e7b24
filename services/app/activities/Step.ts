import { type Activity, membersOf, wantsTrust } from '../../core/activities/activity.ts';
import { certificateDigest, certificateSalt, makeCertificate } from '../../core/activities/certificate.ts';
import { attachmentsDigest, disclosuresDigest } from '../../core/activities/contents.ts';
import { leaversOf } from '../../core/activities/decided.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Head } from '../../core/activities/message.ts';
import { groupDigest } from '../../core/activities/opening.ts';
import {
  headDigest,
  type Message,
  type Parcel,
  parcelBytes,
  readParcel,
  shownHead,
  signParcel,
  statementOf,
} from '../../core/activities/parcel.ts';
import { blindedGroup, type Seal, sealDigest, sealOf } from '../../core/activities/sealed.ts';
import { startActivity, takeMessage } from '../../core/activities/takeMessage.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { NotariumError } from '../../core/errors.ts';
import { signFields } from '../../lib/activities/fieldDigests.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { NewMessage, Outgoing, PendingRecord } from '../../store/activities/ActivityStore.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { checkBody } from './checkBody.ts';
import { copiesForAdded } from './copiesForAdded.ts';
import type { Draft } from './Draft.ts';
import { envelopeItem } from './exchange/envelopeItems.ts';
import { followUps } from './followUps.ts';
import { listedOf, listedText } from './listed.ts';
import { makeRecord } from './makeRecord.ts';
import { recordOf } from './recordOf.ts';

// What follows from what follows from …: without end it would be a fault of this program.
const mostDeep = 64;

/**
 * Messages that are taken together, of this node and of others: all of it comes onto the disk, or nothing. Only for who works on the
 * activity alone.
 */
export class Step {
  readonly #parts: ActivityParts;
  readonly #id: Hash;
  #activity: Activity | undefined;
  readonly #after: number;
  readonly #messages: NewMessage[] = [];
  readonly #heads: Head[] = [];
  readonly #outgoing: Outgoing[] = [];
  readonly #records: PendingRecord[] = [];
  /** What is answered when it is known what was said meanwhile. */
  readonly #late: Hash[] = [];

  constructor(parts: ActivityParts, id: Hash, activity: Activity | undefined) {
    this.#parts = parts;
    this.#id = id;
    this.#activity = activity;
    this.#after = activity ? parts.activities.countOf(activity) : 0;
  }

  /** As it will be. */
  get activity(): Activity | undefined {
    return this.#activity;
  }

  /**
   * Signs and seals a message of this node.
   * @returns Its id.
   * @throws NotariumError as `ActivityDesk` says of what sends.
   */
  async send(draft: Draft): Promise<Hash> {
    return await this.#send(draft, 0);
  }

  async #send(draft: Draft, depth: number): Promise<Hash> {
    const { network, signer, crypto, sealer } = this.#parts;
    const before = this.#activity;
    const parcel = await this.#parcelOf(draft);
    // What others would refuse must not leave.
    await checkBody(this.#parts, signer.address, before?.terms, parcel);
    this.#checkSaidOnce(parcel);
    const message = await signParcel(network, parcel, signer, crypto);
    readParcel(network, parcelBytes(message), crypto);
    const after = before ? takeMessage(network, before, message, { crypto }) : startActivity(message);
    const { membership, secret } = after.epochs.get(message.head.group)!;
    const sealed = sealer.seal(message, secret, membership.members);
    const seal = sealOf(sealed, crypto.sha256);
    const digest = sealDigest(seal, crypto.sha256);
    const others = membership.members.map(({ address }) => address).filter((address) => address !== signer.address);
    if (others.length > 0) {
      const item = envelopeItem({ sealed });
      this.#outgoing.push({ sealDigest: digest, activity: this.#id, message: message.id, item, members: others });
    }
    for (const about of this.#toRecord(message, secret, digest))
      this.#records.push(await makeRecord(this.#parts, { activity: this.#id, secret, ...about }));
    this.#add(message, seal, after);
    await this.#answer(message, depth);
    return message.id;
  }

  /** Takes a message of another one, with what the activity has become by it, and says what this node has to say to that. @param payer See payerOf.ts. */
  async take(message: Message, seal: Seal, after: Activity, payer: Address): Promise<void> {
    this.#add(message, seal, after, payer);
    if (message.head.sender === this.#parts.signer.address) await this.#recordAgain(message, seal, after);
    try {
      this.#outgoing.push(...(await copiesForAdded(this.#parts, after, message)));
      if (await this.#parts.isBehind(after)) this.#late.push(message.id);
      else await this.answer(message);
    } catch (error) {
      // What others have said holds whatever this node has to say to it.
      this.#parts.logger.error({ err: error, activity: this.#id }, 'what follows from a message could not be sent');
    }
  }

  /** Says what this node has to say to a message that was taken. */
  async answer(message: Message): Promise<void> {
    await this.#answer(message, 0);
  }

  async #answer(message: Message, depth: number): Promise<void> {
    for (const draft of await followUps(this.#parts, this.#activity!, message)) {
      if (depth === mostDeep) throw new NotariumError('internal', 'an activity answers itself');
      await this.#send(draft, depth + 1);
    }
  }

  /** Of a message of this node's: of a certificate another one of its own, so that it can be shown to those who know nothing of the activity. */
  #toRecord({ id, head }: Message, secret: Hash, digest: Hash): { readonly message: Hash; readonly digest: Hash }[] {
    const { network, crypto } = this.#parts;
    if (head.type !== 'certificate') return [{ message: id, digest }];
    const { on, members, signatures } = head;
    const salt = certificateSalt(secret, id);
    const made = makeCertificate(network, { message: on, members }, { signatures, salt });
    const own = certificateDigest(made, crypto.sha256);
    return [
      { message: id, digest },
      { message: own, digest: own },
    ];
  }

  /** What this node has said comes back from another one after a loss, perhaps before its record was in the log. */
  async #recordAgain(message: Message, seal: Seal, after: Activity): Promise<void> {
    const { secret } = after.epochs.get(message.head.group)!;
    for (const about of this.#toRecord(message, secret, sealDigest(seal, this.#parts.crypto.sha256))) {
      const grp = blindedGroup(secret, about.message);
      if (await recordOf(this.#parts, { digest: about.digest, grp })) continue;
      this.#records.push(await makeRecord(this.#parts, { activity: this.#id, secret, ...about }));
    }
  }

  /** Puts all of it on the disk; then it is so, and goes on its way. @throws NotariumError `activity-changed`: then nothing of it is. */
  async commit(owner?: string): Promise<void> {
    const { store, clock, activities, metrics, wake, changed, answerLater, certifyLater, submit, signer } = this.#parts;
    if (!this.#activity || this.#messages.length === 0) return;
    await store.save({
      activity: this.#id,
      ...(owner === undefined ? {} : { owner }),
      ...(this.#after === 0 && this.#heads[0]!.sender === signer.address ? { isRead: true } : {}),
      ...(this.#heads.some(({ type, sender }) => type === 'leave' && sender === signer.address)
        ? { isLeft: true }
        : {}),
      nowMs: clock.nowMs(),
      after: this.#after,
      messages: this.#messages,
      summary: listedText(listedOf(this.#activity, signer.address)),
      outgoing: this.#outgoing,
      records: this.#records,
      toAnswer: this.#late,
    });
    activities.set(this.#activity, this.#after + this.#messages.length);
    for (const { type, sender } of this.#heads) {
      if (sender === signer.address) metrics.sent(type);
      else metrics.taken(type);
    }
    changed(this.#id);
    if (this.#late.length > 0) answerLater(this.#id, this.#late);
    if (wantsTrust(this.#activity) && this.#heads.some(({ type }) => type === 'members')) certifyLater(this.#id);
    if (this.#records.length > 0) submit();
    const members = new Set<Address>(this.#outgoing.flatMap(({ members: each }) => each));
    if (members.size > 0) wake([...members]);
  }

  async #parcelOf({ head, body = { salt: randomHash(), body: null }, attachments: files }: Draft) {
    const { network, signer, clock, crypto } = this.#parts;
    const sender = signer.address;
    const opens = head.type === 'start' || head.type === 'members' ? head : undefined;
    const membership = opens?.membership ?? membersOf(this.#activity!);
    const hasLeft = this.#activity && leaversOf(this.#activity).has(sender);
    if (hasLeft || (!opens && !memberOf(membership, sender)))
      throw new NotariumError('activity-not-member', undefined, { data: { sender } });
    const fields = disclosuresDigest(body, crypto.sha256);
    const attachments = files ?? { salt: randomHash(), list: [] };
    const whole = {
      ...head,
      v: 1,
      network: networkName(network),
      ...{ activity: this.#id, epoch: membership.epoch, sender },
      ...(fields === undefined ? {} : { fields }),
      group: opens ? groupDigest({ ...opens, activity: this.#id, sender }, crypto.sha256) : this.#activity!.group,
      time: new Date(clock.nowMs()).toISOString(),
      salt: randomHash(),
    } as Head;
    if (!('packed' in body)) return { head: whole, body, attachments };
    const place = {
      head: headDigest(shownHead(whole, crypto.sha256), crypto.sha256),
      attachments: attachmentsDigest(attachments, crypto.sha256),
    };
    return { head: whole, body: await signFields(body, place, signer), attachments };
  }

  /** What a device has said once, its client could send again and again. */
  #checkSaidOnce(parcel: Omit<Parcel, 'signature'>): void {
    const { network, crypto } = this.#parts;
    const said = statementOf(network, parcel, crypto);
    const message = said && this.#activity?.statements.get(said);
    if (message) throw new NotariumError('device-credential-invalid', 'it was sent before', { data: { message } });
  }

  #add(message: Message, seal: Seal, after: Activity, payer: Address = message.head.sender): void {
    const { sha256 } = this.#parts.crypto;
    this.#messages.push({
      id: message.id,
      type: message.head.type,
      sender: message.head.sender,
      payer,
      parcel: parcelBytes(message),
      seal,
      sealDigest: sealDigest(seal, sha256),
      attachments: message.attachments.list.map((file) => file.sealedDigest),
      hasFiles: message.head.sender === this.#parts.signer.address,
    });
    this.#heads.push(message.head);
    this.#activity = after;
  }
}
