import { type JoinRequest, joinRequestDigest, type SignedJoinRequest } from '../../core/admission/joinRequest.ts';
import { answerTo, type Check, seedOf } from '../../core/admission/packet.ts';
import { authenticatorSchema, type SessionAnswer, sessionAnswerSchema } from '../../core/admission/sessionAnswer.ts';
import { type Address, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { askAuthenticator } from './askAuthenticator.ts';
import { checkPassed } from './checkPassed.ts';
import { type PlannedPacket, planPackets } from './planPackets.ts';
import type { Passed, SessionParts } from './SessionParts.ts';

/** What is asked for. */
export type SessionRequest = Pick<JoinRequest, 'purpose' | 'entry' | 'statement' | 'reported' | 'confirms'>;

/** Where a session is: a packet of so many, from 1, and how far its work is, from 0 to 1. */
export type SessionProgress = {
  readonly packet: number;
  readonly packets: number;
  readonly check: Check;
  readonly done: number;
};

type Asked = Extract<SessionAnswer, { packet: unknown }>;

/** Whoever is later than this gives up, in time to be told how slow it was: an authenticator forgets a session soon. */
const overtimeMs = 2_000;

/**
 * Answers an authenticator's packets to the end.
 * @param url Base URL of the authenticator.
 * @throws NotariumError why the authenticator refuses, with data { check?, have?, want?, unit?, location?, retryAt? };
 *   `authenticator-missing` when the registry does not list it; `server-unreachable`; `server-answer-invalid` when it answers what
 *   cannot be true; `storage-full`; the signal's reason.
 */
export async function joinSession(
  parts: SessionParts,
  url: string,
  asked: SessionRequest,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (progress: SessionProgress) => void;
  } = {},
): Promise<Passed & { readonly authenticator: Address }> {
  const { signal } = options;
  const { authenticator } = await askAuthenticator({ url, path: '/v1/admission', schema: authenticatorSchema, signal });
  // Its signature would be worth nothing.
  if (!(await parts.node(authenticator)).isAuthenticator) {
    throw new NotariumError('authenticator-missing', `the registry does not list ${authenticator} at ${url}`, {
      data: { authenticator },
    });
  }
  // Before the work: what a thread's start takes, a packet has not.
  await parts.work.start();
  const planned = planPackets(parts.rules);
  const signed = await signRequest(parts, authenticator, asked);
  const schema = sessionAnswerSchema;
  let answer = await askAuthenticator({ url, path: '/v1/admission/sessions', body: signed, schema, signal });
  for (let before: Asked | undefined; 'packet' in answer; ) {
    requireNext(answer, before);
    requirePlanned(answer, planned);
    before = answer;
    const body = await answerOf(parts, answer, options);
    const path = `/v1/admission/sessions/${answer.session}/answers`;
    answer = await askAuthenticator({ url, path, body, schema, signal });
  }
  await checkPassed(parts, { authenticator, request: signed.request }, answer);
  return { ...answer, authenticator };
}

async function signRequest(
  { registry, network, signer, crypto, clock }: SessionParts,
  authenticator: Address,
  asked: SessionRequest,
): Promise<SignedJoinRequest> {
  const request: JoinRequest = {
    format: 'notarium-join/1',
    network,
    authenticator,
    candidate: signer.address,
    time: new Date(clock.nowMs()).toISOString(),
    ...asked,
  };
  return { request, signature: toHex(await signer.sign(joinRequestDigest(registry, request, crypto))) };
}

async function answerOf(
  { manifest, signer, work }: SessionParts,
  { packet, packets }: Asked,
  { signal, onProgress }: Parameters<typeof joinSession>[3] & object,
): Promise<object> {
  const { check, index, windowMs } = packet;
  const tell = (done: number): void => onProgress?.({ packet: index + 1, packets, check, done });
  tell(0);
  const limit = AbortSignal.timeout(windowMs + overtimeMs);
  const seed = seedOf(packet, manifest.bytes, signer.address);
  try {
    const values = await work.run(packet, seed, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      onProgress: tell,
    });
    return answerTo(packet, values);
  } catch (error) {
    signal?.throwIfAborted();
    if (!limit.aborted) throw error;
    // Too late to be right or wrong: what comes back says what was measured, and what would have been enough.
    return answerTo(packet, [toHex(seed)]);
  }
}

/** A session goes from packet to packet, to its end: nobody makes this node work for ever. */
function requireNext({ session, packets, packet }: Asked, before: Asked | undefined): void {
  const isNext = before
    ? session === before.session && packets === before.packets && packet.index === before.packet.index + 1
    : packet.index === 0;
  const isBound = before === undefined || packet.nonce !== before.packet.nonce;
  // What is read was written in this session, by the packet before.
  const isReadable = packet.check !== 'disk-read' || before?.packet.check === 'disk-write';
  if (isNext && isBound && isReadable && packet.index < packets) return;
  throw new NotariumError('server-answer-invalid', `packet ${packet.index} is not the next one`);
}

/** What the rules do not ask for could be all of this machine's memory and disk, for hours. */
function requirePlanned({ packet, packets }: Asked, planned: readonly PlannedPacket[]): void {
  const plan = planned[packet.index];
  const { index, nonce: _, ...asked } = packet;
  const isPlanned =
    packets <= planned.length &&
    plan?.check === asked.check &&
    Object.entries(asked).every(([name, value]) => name === 'check' || (value as number) <= plan[name as 'windowMs']);
  if (isPlanned) return;
  throw new NotariumError('server-answer-invalid', `packet ${index} asks for more than the rules on chain`);
}
