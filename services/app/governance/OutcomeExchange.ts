import { z } from 'zod';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { isNotariumError } from '../../core/errors.ts';
import { outcomeDigest, type ProposalId, type ProposalOutcome } from '../../core/governance/signing.ts';
import { addressSchema, hashSchema, hexSchema } from '../../core/schemas.ts';
import { recoverAddress } from '../../core/signature.ts';
import type { Net } from '../../net/Net.ts';
import type { OutcomeSignature } from '../../store/BallotStore.ts';
import { wrongAnswer } from '../replication/askRecords.ts';
import { firstFrame, jsonFrame, onlyFrame, readJson } from '../replication/wire.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';

/** A proposal and the digest of its outcome, answered by all signatures over that which the centre has. */
export const outcomeProtocol = '/notarium/outcome/1';

const timeoutMs = 10_000;

const askSchema = z.strictObject({ proposalId: hashSchema, digest: hashSchema });
const answerSchema = z.array(z.strictObject({ centre: addressSchema, signature: hexSchema(64, 65) })).max(256);

type Parts = Pick<GovernanceParts, 'store' | 'governance' | 'crypto' | 'signer' | 'logger' | 'replication' | 'onJoin'>;

/** What is signed of an outcome. */
export function digestOf({ governance, crypto }: Pick<Parts, 'governance' | 'crypto'>, outcome: ProposalOutcome): Hash {
  return toHex(outcomeDigest(governance.governor, outcome, crypto.keccak256));
}

/** Signatures over the outcome as it is now: what was signed before a deep reorganisation is of no use to anybody. */
export async function outcomeSignatures(
  parts: Pick<Parts, 'store' | 'governance' | 'crypto'>,
  { proposalId, outcome, electorate }: ProposalProjection,
): Promise<OutcomeSignature[]> {
  if (!outcome) return [];
  const digest = digestOf(parts, outcome);
  const kept = await parts.store.outcomeSignatures(proposalId);
  const places = new Map(electorate.map(({ account }, place) => [account, place]));
  return kept
    .filter((signed) => signed.digest === digest && places.has(signed.centre))
    .sort((a, b) => places.get(a.centre)! - places.get(b.centre)!);
}

/** Signs outcomes, hands the signatures on, and gathers those of the other centres. */
export class OutcomeExchange {
  readonly #parts: Parts;
  /** Told already. */
  readonly #differing = new Set<ProposalId>();

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.onJoin((net) =>
      net.handle(outcomeProtocol, async function* (frames) {
        const { first } = await firstFrame(frames);
        const { proposalId, digest } = readJson(askSchema, first);
        const kept = await parts.store.outcomeSignatures(proposalId);
        const same = kept.filter((signed) => signed.digest === digest);
        yield jsonFrame(same.map(({ centre, signature }) => ({ centre, signature })));
      }),
    );
  }

  /** Signs the outcome, once and for all, where this centre is of the electorate. */
  async sign({ proposalId, outcome, electorate }: ProposalProjection): Promise<void> {
    const { store, signer, logger } = this.#parts;
    const centre = signer.address;
    if (!outcome || !electorate.some(({ account }) => account === centre)) return;
    const digest = digestOf(this.#parts, outcome);
    const signed = (await store.outcomeSignatures(proposalId)).find((kept) => kept.centre === centre);
    // On disk before it is given away.
    const stands =
      signed ?? (await store.signOutcome({ proposalId, centre, digest, signature: await this.#sign(digest) }));
    if (stands.digest === digest || this.#differing.has(proposalId)) return;
    this.#differing.add(proposalId);
    // Nobody may have two outcomes of one proposal from one centre.
    const data = { proposalId, have: stands.digest, want: digest };
    logger.error(data, 'this centre signed another outcome, before a reorganisation, and signs no second one');
  }

  async #sign(digest: Hash): Promise<Hex> {
    return toHex(await this.#parts.signer.sign(fromHex(digest)));
  }

  /** Asks the other centres for signatures that are missing. */
  async gather(proposal: ProposalProjection, signal: AbortSignal): Promise<void> {
    const { replication, logger } = this.#parts;
    for (const { address, isConnected } of replication?.net.peers() ?? []) {
      if (!isConnected) continue;
      try {
        await this.#ask(replication!.net, address, proposal, signal);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        logger.debug({ err: error, peer: address }, 'a centre gave no signatures over an outcome');
      }
    }
  }

  async #ask(net: Net, peer: Address, proposal: ProposalProjection, signal: AbortSignal): Promise<void> {
    const { store, crypto, signer } = this.#parts;
    const { proposalId, outcome, electorate } = proposal;
    const digest = digestOf(this.#parts, outcome!);
    const asked = net.request(peer, outcomeProtocol, [jsonFrame({ proposalId, digest })], { timeoutMs, signal });
    const answer = readJson(answerSchema, await onlyFrame(asked));
    const known = new Set((await outcomeSignatures(this.#parts, proposal)).map(({ centre }) => centre));
    const found: OutcomeSignature[] = [];
    for (const { centre, signature } of answer) {
      if (known.has(centre) || centre === signer.address) continue;
      if (!electorate.some(({ account }) => account === centre)) continue;
      if (!isBy(crypto, centre, { digest, signature })) {
        throw wrongAnswer(net, peer, 'a signature over an outcome that is of another centre');
      }
      found.push({ proposalId, centre, digest, signature });
    }
    if (found.length > 0) await store.keepOutcomeSignatures(found);
  }
}

function isBy(crypto: Crypto, centre: Address, signed: { readonly digest: Hash; readonly signature: Hex }): boolean {
  try {
    return recoverAddress(crypto, fromHex(signed.digest), fromHex(signed.signature)) === centre;
  } catch (error) {
    if (isNotariumError(error)) return false;
    throw error;
  }
}
