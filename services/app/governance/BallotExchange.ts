import { z } from 'zod';
import { type Address, type Hash, toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { signedBallotSchema } from '../../core/governance/ballot.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { addressSchema, hashSchema } from '../../core/schemas.ts';
import type { Net } from '../../net/Net.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
import { wrongAnswer } from '../replication/askRecords.ts';
import { firstFrame, jsonFrame, readJson } from '../replication/wire.ts';
import { checkBallot } from './checkBallot.ts';
import { projectedProposal } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';

/** What the caller has of some proposals, then ballots of its own; answered by the ballots that it lacks. A frame each. */
export const ballotsProtocol = '/notarium/ballots/1';

const maxElectors = 256;
/** Proposals of one question. */
const maxProposals = 32;
const timeoutMs = 10_000;
// Not those of a wrong answer: a wallet may have changed its mind since the other centre asked it.
const invalidPoints = 5;
/** A ballot of an answer that is not good is passed over for so long: a wallet may take it later. */
const refusedMs = 60_000;
const maxRefused = 1_000;
/** Such ballots of one answer; the rest is left for the next one, since each may be a question to the chain. */
const refusalsAtOnce = 8;

const askSchema = z.strictObject({
  have: z
    .array(z.strictObject({ proposalId: hashSchema, voters: z.array(addressSchema).max(maxElectors) }))
    .max(maxProposals),
});

type Have = z.infer<typeof askSchema>['have'];

/** Spreads ballots to all centres, each of which checks them itself. What a centre missed it asks for. */
export class BallotExchange {
  readonly #parts: GovernanceParts;
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  /** By the hash of the frame; until when, by performance.now(). */
  readonly #refused = new Map<Hash, number>();

  constructor(parts: GovernanceParts) {
    this.#parts = parts;
    parts.onJoin((net) => net.handle(ballotsProtocol, (frames, from) => this.#answer(net, frames, from)));
  }

  /** Tells everybody of a ballot, in the background. */
  spread(ballot: StoredBallot): void {
    const { replication } = this.#parts;
    for (const { address, isConnected } of replication?.net.peers() ?? []) {
      if (!isConnected) continue;
      const sent = this.#exchange(replication!.net, address, [], [ballot])
        // It asks for what it lacks.
        .catch((error: unknown) => this.#tell(error, address))
        .finally(() => this.#sending.delete(sent));
      this.#sending.add(sent);
    }
  }

  /** Asks all centres for ballots that are missing here. */
  async pull(proposals: readonly ProposalId[]): Promise<void> {
    const { replication, store } = this.#parts;
    if (!replication) return;
    const { net } = replication;
    for (let start = 0; start < proposals.length; start += maxProposals) {
      const some = proposals.slice(start, start + maxProposals);
      const have: Have = [];
      for (const proposalId of some) {
        have.push({ proposalId, voters: (await store.ballots(proposalId)).map(({ voter }) => voter) });
      }
      const asked = net.peers().map(async ({ address, isConnected }) => {
        if (!isConnected || this.#stop.signal.aborted) return;
        await this.#exchange(net, address, have, []).catch((error: unknown) => this.#tell(error, address));
      });
      await Promise.all(asked);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sending);
  }

  async #exchange(net: Net, peer: Address, have: Have, given: readonly StoredBallot[]): Promise<void> {
    const frames = [jsonFrame({ have }), ...given.map(jsonFrame)];
    const options = { timeoutMs, signal: this.#stop.signal };
    let left = maxElectors * have.length;
    let refusals = 0;
    for await (const frame of net.request(peer, ballotsProtocol, frames, options)) {
      if (left-- === 0) throw wrongAnswer(net, peer, 'more ballots than were asked for');
      if (!(await this.#takeAsked(frame)) && ++refusals === refusalsAtOnce) return;
    }
  }

  async *#answer(net: Net, frames: AsyncIterable<Uint8Array>, from: Address): AsyncGenerator<Uint8Array> {
    const { first, rest } = await firstFrame(frames);
    const { have } = readJson(askSchema, first);
    let left = maxElectors;
    for await (const frame of rest) {
      if (left-- === 0) throw new NotariumError('message-too-large', `more than ${maxElectors} ballots`);
      try {
        await this.#take(frame);
      } catch (error) {
        if (isRefusal(error)) net.blame(from, 'ballot-invalid', invalidPoints);
        throw error;
      }
    }
    for (const { proposalId, voters } of have) {
      const known = new Set(voters);
      for (const ballot of await this.#parts.store.ballots(proposalId)) {
        if (!known.has(ballot.voter)) yield jsonFrame(ballot);
      }
    }
  }

  // What did not come now is asked for again.
  #tell(error: unknown, peer: Address): void {
    const { logger } = this.#parts;
    if (isNotariumError(error) || this.#stop.signal.aborted)
      logger.debug({ err: error, peer }, 'no exchange of ballots');
    else logger.error({ err: error, peer }, 'an exchange of ballots failed');
  }

  /**
   * Takes a ballot that was asked for; false where it has just been found not to be good. Nobody is blamed for it: it was good
   * when the other centre took it, which gives it whenever it is asked. Nor does it keep the ballots behind it away.
   */
  async #takeAsked(frame: Uint8Array): Promise<boolean> {
    const key = toHex(this.#parts.crypto.sha256(frame));
    if ((this.#refused.get(key) ?? 0) > performance.now()) return true;
    try {
      await this.#take(frame);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refused.delete(key);
      if (this.#refused.size >= maxRefused) this.#refused.delete(this.#refused.keys().next().value!);
      this.#refused.set(key, performance.now() + refusedMs);
      return false;
    }
  }

  /** Keeps a ballot of another centre, where it is good and can still count. @throws NotariumError of {@link checkBallot}. */
  async #take(frame: Uint8Array): Promise<void> {
    const { store, notices } = this.#parts;
    const ballot = readJson(signedBallotSchema, frame);
    const { proposalId, voter } = ballot;
    const proposal = await projectedProposal(store, proposalId);
    if (!proposal || proposal.outcome || notices.chainSeconds() > proposal.voteEnd) return;
    if ((await store.ballots(proposalId)).some((kept) => kept.voter === voter)) return;
    await checkBallot(this.#parts, proposal, ballot);
    await store.keepBallot(ballot);
  }
}

function isRefusal(error: unknown): boolean {
  return isNotariumError(error, 'ballot-invalid') || isNotariumError(error, 'elector-unknown');
}
