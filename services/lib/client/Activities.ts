import { certificateSchema, type TrustCertificate } from '../../core/activities/certificate.ts';
import type { Attachment } from '../../core/activities/contents.ts';
import { type Credential, credentialSchema } from '../../core/activities/credential.ts';
import { type Disclosure, type DisclosureWish, makeDisclosure } from '../../core/activities/disclosure.ts';
import { commitmentsOf, messageId } from '../../core/activities/parcel.ts';
import { readProtected, sealDigest } from '../../core/activities/sealed.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import {
  type ActivityAnswer,
  type ActivitySummaryAnswer,
  activityAnswerSchema,
  activityPageSchema,
  type CredentialAnswer,
  credentialListSchema,
  type DeliveryAnswer,
  deliveriesSchema,
  type MessageAnswer,
  type MessageLineAnswer,
  messageAnswerSchema,
  messagePageSchema,
  type SentMessageAnswer,
  sentMessageSchema,
} from './activityAnswers.ts';
import { type AttachmentToSend, receiveAttachment, sendAttachment } from './activityAttachments.ts';
import type { ActivityContents, MemberRequest, NewDevice, StartActivity, UpdateActivity } from './activityRequests.ts';
import { onceOnly } from './backOff.ts';
import type { CallOptions, Connection } from './Connection.ts';
import { requireJson } from './requireJson.ts';
import { receiptAtPath, waitAtPath } from './waitForReceipt.ts';

/** How long to wait for a receipt. */
export type ReceiptOptions = CallOptions & { readonly waitSeconds?: number | undefined };

/**
 * Private activities, asked of one centre with an API key: a client sees its own, a key of scope admin all. What sends is asked once only:
 * where no answer comes (`server-unreachable`), look whether the message is there before you send it again.
 */
export class Activities {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Begins an activity. It is on the centre's disk when this resolves.
   * @throws NotariumError `party-unknown`, `party-unfit`: then nothing was sent; `activity-body-invalid`, `activity-schema-invalid`,
   *   `activity-field-unknown`, `device-credential-invalid`, `activities-missing`.
   */
  start(activity: StartActivity, options: CallOptions = {}): Promise<SentMessageAnswer> {
    return this.#send('/v1/activities', activity, options);
  }

  /** A next version. @throws NotariumError `activity-version-stale` with data.heads, `activity-role`, and as {@link start}. */
  update(activity: Hash, update: UpdateActivity, options: CallOptions = {}): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/versions`, update, options);
  }

  /** Says something of a version. */
  note(
    activity: Hash,
    note: ActivityContents & { readonly on: Hash },
    options: CallOptions = {},
  ): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/notes`, note, options);
  }

  /** Agrees to a version. @throws NotariumError `activity-trust-unasked`, `activity-message-known`. */
  countersign(activity: Hash, version: Hash, options: CallOptions = {}): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/countersignatures`, { on: version }, options);
  }

  /** Puts a change of the members to the vote. */
  propose(
    activity: Hash,
    change: { readonly add: MemberRequest } | { readonly remove: string },
    options: CallOptions = {},
  ): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/proposals`, change, options);
  }

  /** Votes on a proposal. */
  vote(activity: Hash, proposal: Hash, approve: boolean, options: CallOptions = {}): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/votes`, { on: proposal, approve }, options);
  }

  /** Changes the members at once: as the initiator, or by an approved proposal. @throws NotariumError `activity-role`. */
  changeMembers(
    activity: Hash,
    change:
      | { readonly add?: readonly MemberRequest[] | undefined; readonly remove?: readonly string[] | undefined }
      | { readonly proposal: Hash },
    options: CallOptions = {},
  ): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/members`, change, options);
  }

  /** Leaves: nothing newer can be read then. */
  leave(activity: Hash, options: CallOptions = {}): Promise<SentMessageAnswer> {
    return this.#send(`/v1/activities/${activity}/members`, { leave: true }, options);
  }

  /**
   * Activities of the caller, the changed last first, page after page.
   * @param options.begins Those alone whose id begins so: `0x` and digits.
   */
  async *list(options: CallOptions & { readonly begins?: string } = {}): AsyncGenerator<ActivitySummaryAnswer> {
    const { begins } = options;
    for (let after: string | undefined; ; ) {
      const query = { ...(begins === undefined ? {} : { begins }), ...(after === undefined ? {} : { after }) };
      const path = `/v1/activities?${new URLSearchParams(query)}`;
      const page: { items: ActivitySummaryAnswer[]; next?: string | undefined } = await this.#connection.http.json(
        { path, signal: options.signal },
        activityPageSchema,
      );
      yield* page.items;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  /** Members, versions, conflicts and proposals. @throws NotariumError `activity-unknown`. */
  get(activity: Hash, { signal }: CallOptions = {}): Promise<ActivityAnswer> {
    return this.#connection.http.json({ path: `/v1/activities/${activity}`, signal }, activityAnswerSchema);
  }

  /** Messages without their contents, in the order in which the centre has taken them. */
  async *messages(activity: Hash, { signal }: CallOptions = {}): AsyncGenerator<MessageLineAnswer> {
    for (let from: string | undefined = '0'; from !== undefined; ) {
      const path = `/v1/activities/${activity}/messages?from=${encodeURIComponent(from)}`;
      const page: { items: MessageLineAnswer[]; next?: string | undefined } = await this.#connection.http.json(
        { path, signal },
        messagePageSchema,
      );
      yield* page.items;
      from = page.next;
    }
  }

  /**
   * A message with its contents. That these are what its id and its seal stand for is checked here; who has sent it, by whoever knows the
   * members.
   * @throws NotariumError `activity-unknown`, `not-found`, `server-answer-invalid`.
   */
  async message(activity: Hash, message: Hash, { signal }: CallOptions = {}): Promise<MessageAnswer> {
    const path = `/v1/activities/${activity}/messages/${message}`;
    const answer = await this.#connection.http.json({ path, signal }, messageAnswerSchema);
    const { sha256 } = await this.#connection.crypto();
    const id = messageId(commitmentsOf(answer.parcel, sha256), sha256);
    const isSealed = readProtected(answer.seal.protected).mid === id;
    if (id !== message || answer.id !== id || !isSealed || sealDigest(answer.seal, sha256) !== answer.sealDigest) {
      throw new NotariumError('server-answer-invalid', `${path}: it is another message`);
    }
    return answer;
  }

  /** How far a message of the centre has come at each member. */
  async deliveries(activity: Hash, message: Hash, { signal }: CallOptions = {}): Promise<readonly DeliveryAnswer[]> {
    const path = `/v1/activities/${activity}/messages/${message}/deliveries`;
    return (await this.#connection.http.json({ path, signal }, deliveriesSchema)).items;
  }

  /**
   * The receipt of a message's record; verify it with the seal's digest, or with a disclosure.
   * @param options.waitSeconds Longest wait for the anchor; 0 by default: what is there now.
   * @throws NotariumError `record-not-anchored`; after a wait `wait-timeout`.
   */
  receipt(activity: Hash, message: Hash, options: ReceiptOptions = {}): Promise<Receipt> {
    return this.#receipt(`/v1/activities/${activity}/messages/${message}/receipt`, options);
  }

  /**
   * A file's content that shows some of a message to anybody, with the receipt of its record: `disclosureText` writes it,
   * `verifyActivityDisclosure` verifies it.
   * @throws NotariumError `activity-field-unknown`, `request-invalid` for what the message does not have, and as {@link receipt}.
   */
  async disclose(
    activity: Hash,
    message: Hash,
    wish: Omit<DisclosureWish, 'receipt'>,
    options: ReceiptOptions = {},
  ): Promise<Disclosure> {
    const { parcel, seal } = await this.message(activity, message, options);
    const { head, body, attachments, signature } = parcel;
    const crypto = await this.#connection.crypto();
    // Before there is a wait: what is asked for may not be there.
    const disclosure = makeDisclosure({ head, body, attachments, signature, id: message }, seal, wish, crypto);
    return { ...disclosure, receipt: await this.receipt(activity, message, options) };
  }

  /** All members' signatures over a version. @throws NotariumError `not-found` while some are missing. */
  certificate(activity: Hash, version: Hash, { signal }: CallOptions = {}): Promise<TrustCertificate> {
    const path = `/v1/activities/${activity}/certificate/${version}`;
    return this.#connection.http.json({ path, signal }, certificateSchema);
  }

  /**
   * The receipt of a certificate: with both, anybody can verify it.
   * @param options as of {@link receipt}.
   * @throws NotariumError `not-found` while some signatures are missing, and as {@link receipt}.
   */
  certificateReceipt(activity: Hash, version: Hash, options: ReceiptOptions = {}): Promise<Receipt> {
    return this.#receipt(`/v1/activities/${activity}/certificate/${version}/receipt`, options);
  }

  /** Sends a file as it is read; what comes back goes into the contents of a message. */
  putAttachment(file: AttachmentToSend, options: CallOptions = {}): Promise<Attachment> {
    return sendAttachment(this.#connection.http, file, options);
  }

  /**
   * A file of a message, as it comes. Its digest is checked in the end: only then it is to be believed.
   * @throws NotariumError `activity-unknown`, `not-found`; in the stream `attachment-corrupt`, `server-unreachable`.
   */
  async attachment(
    activity: Hash,
    { message, index }: { readonly message: Hash; readonly index: number },
    options: CallOptions = {},
  ): Promise<{ readonly attachment: Attachment; readonly content: AsyncGenerator<Uint8Array> }> {
    const { parcel } = await this.message(activity, message, options);
    const attachment = parcel.attachments.list[index];
    if (!attachment)
      throw new NotariumError('not-found', `the message has no attachment ${index}`, { data: { message } });
    const path = `/v1/activities/${activity}/messages/${message}/attachments/${index}`;
    return { attachment, content: await receiveAttachment(this.#connection.http, path, attachment, options) };
  }

  /** Gives an activity to a client by the id of its API key, or takes it back with null. For the operator. */
  async give(activity: Hash, client: string | null, { signal }: CallOptions = {}): Promise<void> {
    const path = `/v1/activities/${activity}/owner`;
    await this.#connection.http.send({ method: 'PUT', path, body: JSON.stringify({ client }), signal });
  }

  /** Lets a device speak through the node of the centre, for a time. */
  issueCredential(device: NewDevice, { signal }: CallOptions = {}): Promise<Credential> {
    const body = JSON.stringify(device);
    const request = { method: 'POST', path: '/v1/devices', body, signal, backOff: onceOnly } as const;
    return this.#connection.http.json(request, credentialSchema);
  }

  /** Credentials that the caller has issued. */
  async credentials({ signal }: CallOptions = {}): Promise<readonly CredentialAnswer[]> {
    return (await this.#connection.http.json({ path: '/v1/devices', signal }, credentialListSchema)).items;
  }

  /** Takes a credential back. @throws NotariumError `not-found`. */
  async revokeCredential(id: Hash, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.http.send({ method: 'DELETE', path: `/v1/devices/${id}`, signal, backOff: onceOnly });
  }

  #receipt(path: string, { signal, waitSeconds = 0 }: ReceiptOptions): Promise<Receipt> {
    if (waitSeconds > 0) return waitAtPath(this.#connection.http, path, { signal, timeoutMs: waitSeconds * 1000 });
    return receiptAtPath(this.#connection.http, path, 0, signal);
  }

  async #send(path: string, body: object, { signal }: CallOptions): Promise<SentMessageAnswer> {
    if ('body' in body && body.body !== undefined) requireJson(body.body);
    return await this.#connection.http.json(
      // What was sent twice would be there twice.
      { method: 'POST', path, body: JSON.stringify(body), signal, backOff: onceOnly },
      sentMessageSchema,
    );
  }
}
