import { LRUCache } from 'lru-cache';
import { readManifest } from '../../core/admission/manifest.ts';
import { figures, type Measured, type Shortfall, scoreOf, shortfallOf } from '../../core/admission/measured.ts';
import { answerSchema } from '../../core/admission/packet.ts';
import type { AdmissionRefusal, Report } from '../../core/admission/report.ts';
import type { SessionAnswer } from '../../core/admission/sessionAnswer.ts';
import type { SessionState } from '../../core/admission/sessionState.ts';
import { verdictCodes } from '../../core/admission/verdicts.ts';
import type { Hash } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { type ErrorCode, errorTable, isNotariumError, NotariumError } from '../../core/errors.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import type { AuthenticatorParts } from './AdmissionParts.ts';
import { AttemptLimits } from './AttemptLimits.ts';
import { attest } from './attest.ts';
import { networkKey, readAddress } from './callerNetwork.ts';
import { checkAnswer } from './checkAnswer.ts';
import { invalid, invalidRequest, readJoinRequest, requireChallengeable, requireConsistent } from './checkRequest.ts';
import { checkConfirmed, requireAgreement } from './confirmed.ts';
import { measuredOf } from './measuredOf.ts';
import type { OutcomeKeeper } from './OutcomeKeeper.ts';
import { planPackets } from './planPackets.ts';
import { Session, type SessionBasis } from './Session.ts';
import { Sessions } from './Sessions.ts';

/** Largest text of an answer. */
export const maxAnswerBytes = 128 * 1024;
/** Requests that have been used, each once for as long as its time would be taken again. */
const usedRequests = 4_096;
const usedMs = 11 * 60_000;

const verdicts: ReadonlySet<ErrorCode> = new Set(verdictCodes);

/** Challenges candidates, and attests what it has found. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #outcomes: OutcomeKeeper;
  readonly #limits: AttemptLimits;
  readonly #sessions: Sessions;
  readonly #used = new LRUCache<Hash, true>({ max: usedRequests, ttl: usedMs });
  readonly #refusing = new Set<Promise<void>>();

  constructor(parts: AuthenticatorParts, outcomes: OutcomeKeeper) {
    this.#parts = parts;
    this.#outcomes = outcomes;
    this.#limits = new AttemptLimits(parts);
    this.#sessions = new Sessions(parts.monotonicMs, (session) => this.#expire(session));
  }

  async close(): Promise<void> {
    this.#sessions.close();
    await Promise.all(this.#refusing);
  }

  /**
   * Begins a session: gives its first packet. That of the same candidate before it ends; where work had been given out in it, it
   * counts as failed, or whoever is too slow could try until it has luck.
   * @param caller Address that the request came from.
   * @throws NotariumError those of `readJoinRequest`, `requireChallengeable`, `checkConfirmed`, `planPackets` and the chain;
   *   `admission-throttled`, `content-unavailable` (the manifest).
   */
  async begin(body: string, caller: string | undefined): Promise<SessionAnswer> {
    const address = readAddress(caller);
    const network = networkKey(address);
    this.#limits.take(network);
    try {
      const basis = await this.#basis(body, network);
      const { candidate, time } = basis.request;
      const waitMs = this.#sessions.waitMs(candidate, network);
      if (waitMs > 0) throw this.#limits.throttled(this.#parts.clock.nowMs() + waitMs);
      const before = this.#sessions.of(candidate);
      // Signed before that of its session: whoever has overheard it, before a restart, could end that one.
      if (before && Date.parse(time) < Date.parse(before.basis.request.time)) {
        throw invalid('request.time', 'older than that of the session that the candidate has');
      }
      const session = new Session({ ...basis, location: this.#parts.locate(address) }, this.#parts.monotonicMs);
      const isGivenUp = before?.state === 'asked' && before.answered.length > 0;
      this.#sessions.add(session);
      if (isGivenUp) this.#refuseLater(before, givenUp(before));
      // One that takes the place of another has not come to anything: otherwise places could be held for ever by it.
      if (!before) this.#limits.giveBack(network);
      return session.view();
    } catch (error) {
      // Only the network that it came from is blamed: whoever has not signed may send anything in anybody's name.
      if (!isNotariumError(error) || errorTable[error.code].status >= 500) this.#limits.giveBack(network);
      throw error;
    }
  }

  /**
   * Takes an answer: gives the next packet, or the end.
   * @throws NotariumError the `json-…` codes, `request-invalid`, `session-unknown`; and with which the session is over:
   *   `manifest-unproven`, `answer-late`, `answer-incomplete`, `answer-wrong`, `candidate-too-slow`, `profile-contradicts`, each
   *   with data.location and, where it says anything, { check, have, want, unit, field, retryAt }.
   */
  async answer(name: string, body: string): Promise<SessionAnswer> {
    const arrivedMs = this.#parts.monotonicMs();
    const parsed = answerSchema.safeParse(parseStrictJson(body, { maxSize: maxAnswerBytes, maxDepth: 3 }));
    if (!parsed.success) throw invalidRequest(parsed.error);
    const session = this.#sessions.find(name);
    // An answer that is being checked already is not taken twice.
    if (session?.state !== 'asked') throw new NotariumError('session-unknown');
    session.move('answer');
    try {
      await this.#check(session, parsed.data, session.elapsedMs(arrivedMs));
      requireGoingOn(session);
      if (session.hasMore) {
        session.ask();
        return session.view();
      }
      return await this.#pass(session);
    } catch (error) {
      if (isIn(session, 'replaced')) {
        // What was found out counts all the same.
        if (isVerdict(error)) await this.#refuse(session, error);
        throw new NotariumError('session-unknown', 'the candidate has begun another one');
      }
      // It has passed already where only its report could not be kept.
      if (isIn(session, 'checking')) session.move('fail');
      this.#sessions.remove(session);
      if (!isVerdict(error)) throw error;
      throw await this.#refuse(session, error);
    }
  }

  async #basis(body: string, network: string): Promise<Omit<SessionBasis, 'location'>> {
    const { chain, contents, crypto, notices } = this.#parts;
    const { request, digest } = readJoinRequest(this.#parts, body);
    if (this.#used.has(digest)) throw new NotariumError('join-invalid', 'the request has been used');
    this.#used.set(digest, true);
    await this.#limits.require(request.candidate, network);
    const [rules, node] = await Promise.all([chain.admission.rules(), chain.admission.node(request.candidate)]);
    requireChallengeable(request, node, rules, notices.chainSeconds());
    const planned = planPackets(rules);
    await checkConfirmed(this.#parts, request, rules);
    const { bytes: manifest } = readManifest(await contents.get(rules.manifestHash), crypto);
    return { request, rules, manifest, planned, network };
  }

  async #check(session: Session, answer: Parameters<typeof checkAnswer>[1], elapsedMs: number): Promise<void> {
    const { packet } = session.sent;
    if (elapsedMs > packet.windowMs) throw late(session, elapsedMs);
    await checkAnswer(session.sent, answer, this.#parts.crypto);
    session.answered.push({ packet, elapsedMs });
    requireFast(session);
  }

  async #pass(session: Session): Promise<SessionAnswer> {
    const { request, rules } = session.basis;
    const measured = measuredOf(session.answered, rules) as Measured;
    requireConsistent(request.reported, measured, rules);
    requireAgreement(measured, request, rules);
    const score = scoreOf(measured, rules);
    if (score < rules.minScore) {
      const data = { have: score, want: rules.minScore, unit: 'score' };
      throw new NotariumError('candidate-too-slow', `a score of ${score}, at least ${rules.minScore}`, { data });
    }
    const report: Report = { format: 'notarium-profile/1', ...this.#head(session), measured, score };
    session.move('pass');
    this.#sessions.remove(session);
    await this.#outcomes.keep(report, session.basis.network);
    const { candidate, purpose } = request;
    this.#parts.logger.info({ candidate, purpose, score }, 'a candidate has passed the challenge');
    return purpose === 'renewal' ? { report } : await attest(this.#parts, session.basis, report);
  }

  async #refuse(session: Session, error: NotariumError): Promise<NotariumError> {
    const { request, rules, network, location } = session.basis;
    const { have, want, unit, check } = error.data as Partial<AdmissionRefusal>;
    const refusal: AdmissionRefusal = {
      format: 'notarium-admission-refusal/1',
      ...this.#head(session),
      measured: measuredOf(session.answered, rules),
      code: error.code,
      reason: error.message.slice(0, 500).toWellFormed(),
      ...(check === undefined ? {} : { check }),
      ...(have === undefined ? {} : { have }),
      ...(want === undefined ? {} : { want }),
      ...(unit === undefined ? {} : { unit }),
    };
    await this.#outcomes.keep(refusal, network);
    const { candidate, purpose } = request;
    this.#parts.logger.info({ candidate, purpose, code: error.code, data: error.data }, 'a candidate was refused');
    const retryMs = await this.#limits.nextMs(candidate, network);
    const retryAt = new Date(Math.max(retryMs, this.#parts.clock.nowMs())).toISOString();
    return new NotariumError(error.code, error.detail || undefined, { data: { ...error.data, location, retryAt } });
  }

  /** A packet that nobody answered is one that was answered too late. */
  #expire(session: Session): void {
    session.move('fail');
    this.#refuseLater(session, late(session, session.elapsedMs(this.#parts.monotonicMs())));
  }

  #refuseLater(session: Session, error: NotariumError): void {
    const end = this.#refuse(session, error)
      .then(() => undefined)
      .catch((cause: unknown) => this.#parts.logger.error({ err: cause }, 'a refusal cannot be kept'))
      .finally(() => this.#refusing.delete(end));
    this.#refusing.add(end);
  }

  #head({ basis }: Session) {
    const { request, location } = basis;
    const { candidate, purpose, entry, statement, reported } = request;
    return {
      network: networkName(this.#parts.network),
      authenticator: this.#parts.signer.address,
      candidate,
      purpose,
      time: new Date(this.#parts.clock.nowMs()).toISOString(),
      location,
      entry,
      statement,
      manifestHash: basis.rules.manifestHash as Hash,
      reported,
    };
  }
}

const isVerdict = (error: unknown): error is NotariumError => isNotariumError(error) && verdicts.has(error.code);

const isIn = (session: Session, state: SessionState): boolean => session.state === state;

/** While an answer was checked, the candidate may have begun anew. */
function requireGoingOn(session: Session): void {
  if (isIn(session, 'replaced')) throw new NotariumError('session-unknown');
}

/** What has been measured must be enough so far: who is too slow need not do the rest. */
function requireFast(session: Session): void {
  if (session.hasMore && session.basis.planned[session.answered.length]!.check === session.sent.packet.check) return;
  const shortfall = ofCheck(session, measuredOf(session.answered, session.basis.rules));
  if (!shortfall) return;
  const { figure, have, want } = shortfall;
  const { check, unit } = figures[figure];
  const data = { check, have, want, unit };
  throw new NotariumError('candidate-too-slow', `${have} ${unit}, at least ${want}`, { data });
}

function late(session: Session, elapsedMs: number): NotariumError {
  const { packet } = session.sent;
  const { rules } = session.basis;
  const measured = measuredOf([...session.answered, { packet, elapsedMs }], rules);
  const figure = Object.values(figures).find(({ check }) => check === packet.check);
  const data = { check: packet.check, windowMs: packet.windowMs, elapsedMs: Math.round(elapsedMs) };
  const shortfall = figure && ofCheck(session, measured);
  const more = shortfall ? { have: shortfall.have, want: shortfall.want, unit: figure.unit } : {};
  const detail = `${packet.check} took ${data.elapsedMs} ms of ${packet.windowMs}`;
  return new NotariumError('answer-late', detail, { data: { ...data, ...more } });
}

function givenUp({ sent: { packet } }: Session): NotariumError {
  const data = { check: packet.check, index: packet.index };
  return new NotariumError('answer-incomplete', 'none: the candidate has begun another session', { data });
}

/** The figure of the present check, where it is below its minimum. */
function ofCheck(session: Session, measured: Partial<Measured>): Shortfall | undefined {
  const { rules } = session.basis;
  const { check } = session.sent.packet;
  // Of the others, some are not measured yet.
  const others = Object.values(figures).filter((each) => each.check !== check);
  const own = { ...rules, ...Object.fromEntries(others.map(({ minimum }) => [minimum, 0])) };
  return shortfallOf(measured as Measured, own);
}
