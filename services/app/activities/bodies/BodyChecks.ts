import { attachmentsDigest, writtenBody } from '../../../core/activities/contents.ts';
import type { ActivityTerms } from '../../../core/activities/message.ts';
import { headDigest, type Parcel, shownHead } from '../../../core/activities/parcel.ts';
import type { Address } from '../../../core/bytes.ts';
import type { Crypto } from '../../../core/crypto.ts';
import { isNotariumError, NotariumError } from '../../../core/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { BodyThread, type BodyThreadLimits } from './BodyThread.ts';
import type { BodyAnswer, BodyOrder } from './checkThread.ts';

/** Of all time, how much the checks of one member may take in the long run. */
const share = 0.1;
/** Checks of one member that wait at a time. */
const mostWaiting = 1024;
/** Small bodies go to the thread together: a message costs more than most checks. */
const together = { count: 64, bytes: 256 << 10 };
/**
 * A check of as much work as there may be takes a second or two; schemas and bodies as large as they may be, 64 of them compiled, pass with
 * 96 MiB.
 */
const usualLimits: BodyThreadLimits = { turnMs: 50, answerMs: 60_000, memoryMb: 512 };

type Contents = Pick<Parcel, 'head' | 'body' | 'attachments'>;

type Waiting = {
  readonly message: Contents;
  readonly schema: ActivityTerms['schema'];
  readonly isWanted: boolean;
  /** Threads that have ended over it, or over one that went to the thread with it. */
  failures: number;
  resolve(said: string | undefined): void;
  reject(error: NotariumError): void;
};

/** What {@link BodyChecks} work with. */
type Options = {
  /** This node: what its own clients send waits for nobody's time. */
  readonly own: Address;
  readonly crypto: Crypto;
  readonly logger: Logger;
  /** Time that the checks of another member may take at once; then a tenth of all time. */
  readonly burstMs: number;
  readonly limits?: Partial<BodyThreadLimits>;
  readonly nowMs?: () => number;
};

/**
 * Bodies by the schemas of their activities, and field by field. What others have made of them may take a second or more, and nothing of
 * that is wrong: so it is done in a thread, members have their turns, and each so much time for its own.
 *
 * Whether a body is what its schema asks for is decided by the work counted alone, which is the same for all members. That the thread ends
 * depends on the machine: so it says nothing of the body, which is tried again later, and is refused by nobody for that.
 */
export class BodyChecks {
  readonly #options: Options;
  readonly #thread: BodyThread;
  readonly #nowMs: () => number;
  /** By member, whose turn is next first. */
  readonly #lanes = new Map<Address, Waiting[]>();
  /** What they have used of their time, and when that was so. */
  readonly #used = new Map<Address, { readonly ms: number; readonly atMs: number }>();
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#thread = new BodyThread({ ...usualLimits, ...options.limits });
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Checks what a message says; of a body in fields also that its sender has signed all of them for it.
   * @param by Who has brought it here.
   * @throws NotariumError `activity-body-invalid`, `activity-schema-invalid`, `activity-fields-invalid`; `peer-busy` for a member that has
   *   used its time up, `not-ready` where it could not be checked, `shutting-down`.
   */
  async check(by: Address, schema: ActivityTerms['schema'], message: Contents): Promise<void> {
    await this.#wait(by, { schema, message, isWanted: false });
  }

  /** What a message says; of a body in fields, all of them. @throws NotariumError as {@link BodyChecks.check}. */
  async read(by: Address, message: Contents): Promise<unknown> {
    if ('body' in message.body) return message.body.body;
    return JSON.parse((await this.#wait(by, { schema: undefined, message, isWanted: true }))!) as unknown;
  }

  /** Ends the check under way; it and those that wait are refused by `shutting-down`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread.close();
    await this.#running;
  }

  #wait(by: Address, asked: Pick<Waiting, 'schema' | 'message' | 'isWanted'>): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new NotariumError('shutting-down');
      const lane = this.#lanes.get(by) ?? [];
      if (lane.length >= mostWaiting && by !== this.#options.own)
        throw busy(by, 'too many of its bodies wait to be checked');
      lane.push({ ...asked, failures: 0, resolve, reject });
      this.#lanes.set(by, lane);
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // What is asked for in one turn goes to the thread together.
    await Promise.resolve();
    for (;;) {
      const [next] = this.#lanes;
      if (!next) break;
      const [member, lane] = next;
      await this.#turn(member, lane);
      this.#lanes.delete(member);
      if (lane.length > 0) this.#lanes.set(member, lane);
    }
    this.#running = undefined;
  }

  async #turn(member: Address, lane: Waiting[]): Promise<void> {
    const { own, burstMs, logger } = this.#options;
    const refuseAll = (error: NotariumError): void => {
      for (const { reject } of lane.splice(0)) reject(error);
    };
    if (this.#isClosed) return refuseAll(new NotariumError('shutting-down'));
    if (member !== own && this.#usedBy(member) > burstMs)
      return refuseAll(busy(member, 'checks of its bodies take too long'));
    const beginMs = this.#nowMs();
    try {
      const answers = await this.#thread.run(this.#ordersOf(lane));
      this.#use(
        member,
        answers.reduce((sum, { ms }) => sum + ms, 0),
      );
      for (const [index, each] of lane.splice(0, answers.length).entries()) settle(each, answers[index]!);
    } catch (error) {
      if (this.#isClosed) return refuseAll(new NotariumError('shutting-down'));
      logger.error({ err: error, peer: member }, 'a body could not be checked');
      this.#use(member, this.#nowMs() - beginMs);
      const first = lane[0]!;
      first.failures++;
      // By itself in a new thread it has failed as well.
      if (first.failures > 1) lane.shift()!.reject(new NotariumError('not-ready', 'its body could not be checked'));
    }
  }

  #ordersOf(lane: readonly Waiting[]): BodyOrder[] {
    const orders: BodyOrder[] = [];
    let bytes = 0;
    for (const each of lane.slice(0, together.count)) {
      const order = this.#orderOf(each);
      bytes += order.body.length + (order.schema?.length ?? 0);
      if (orders.length > 0 && (bytes > together.bytes || each.failures > 0)) break;
      orders.push(order);
      if (each.failures > 0) break;
    }
    return orders;
  }

  #orderOf({ message, schema, isWanted }: Waiting): BodyOrder {
    const { head, body, attachments } = message;
    const { sha256 } = this.#options.crypto;
    return {
      ...(schema ? { schema: textOf(schema) } : {}),
      // A copy, to be moved: of a part of something larger all of that would be copied.
      ...{ body: new Uint8Array(writtenBody(body)), sender: head.sender, isWanted },
      ...('sdJwt' in body
        ? {
            place: {
              head: headDigest(shownHead(head, sha256), sha256),
              attachments: attachmentsDigest(attachments, sha256),
            },
          }
        : {}),
    };
  }

  #usedBy(member: Address): number {
    const used = this.#used.get(member);
    const leftMs = used ? used.ms - (this.#nowMs() - used.atMs) * share : 0;
    if (leftMs > 0) return leftMs;
    this.#used.delete(member);
    return 0;
  }

  #use(member: Address, ms: number): void {
    this.#used.set(member, { ms: this.#usedBy(member) + ms, atMs: this.#nowMs() });
  }
}

function busy(checking: Address, detail: string): NotariumError {
  return new NotariumError('peer-busy', detail, { data: { checking } });
}

/** Whether a body waits for the time of its sender alone: nothing that it builds on need be missing. */
export function isWaitingForCheck(error: unknown): boolean {
  return isNotariumError(error, 'peer-busy') && 'checking' in error.data;
}

// The same object for all messages of an activity. As a text it is moved in a fraction of the time.
const texts = new WeakMap<object, string>();

function textOf(schema: object): string {
  let text = texts.get(schema);
  if (text === undefined) {
    text = JSON.stringify(schema);
    texts.set(schema, text);
  }
  return text;
}

function settle({ resolve, reject }: Waiting, answer: BodyAnswer): void {
  if ('error' in answer) {
    const { code, detail, data } = answer.error;
    reject(new NotariumError(code, detail, { data }));
  } else resolve(answer.said);
}
