import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { Support } from '../core/governance/names.ts';
import type { BallotStore, OutcomeSignature, StoredBallot, StoredDraft } from './BallotStore.ts';
import { type StoreContext, write } from './context.ts';
import type { Schema } from './schema.ts';

/** The part of `Store` about what centres sign of proposals. Read by the writer: what stands decides what is signed. */
export function ballots(context: StoreContext): BallotStore {
  const { db } = context;
  return {
    async proposalDraft(draftHash) {
      const query = db.selectFrom('proposal_drafts').selectAll().where('draft_hash', '=', draftHash);
      const row = await query.executeTakeFirst();
      return row && draftOf(row);
    },

    async keepProposalDraft({ draftHash, contentHash, content, validUntil }, instead) {
      const row = { draft_hash: draftHash, content_hash: contentHash, content, valid_until: validUntil };
      return await write(context, undefined, async (trx) => {
        if (instead !== undefined) {
          const old = trx.deleteFrom('proposal_drafts').where('draft_hash', '=', draftHash);
          await old.where('content_hash', '=', instead).execute();
        }
        await trx
          .insertInto('proposal_drafts')
          .values(row)
          .onConflict((on) => on.doNothing())
          .execute();
        const stands = trx.selectFrom('proposal_drafts').selectAll().where('draft_hash', '=', draftHash);
        return draftOf(await stands.executeTakeFirstOrThrow());
      });
    },

    async ballots(proposalId) {
      const query = db.selectFrom('ballots').selectAll().where('proposal_id', '=', proposalId);
      return (await query.orderBy('voter').execute()).map(ballotOf);
    },

    async keepBallot({ proposalId, voter, support, reason, signature }) {
      // As JSON: PostgreSQL takes no NUL in a text.
      const row = { proposal_id: proposalId, voter, support, reason: JSON.stringify(reason), signature };
      return await write(context, undefined, async (trx) => {
        await trx
          .insertInto('ballots')
          .values(row)
          .onConflict((on) => on.doNothing())
          .execute();
        const stands = trx.selectFrom('ballots').selectAll().where('proposal_id', '=', proposalId);
        return ballotOf(await stands.where('voter', '=', voter).executeTakeFirstOrThrow());
      });
    },

    async dropBallot({ proposalId, voter, signature }) {
      const query = db.deleteFrom('ballots').where('proposal_id', '=', proposalId).where('voter', '=', voter);
      await query.where('signature', '=', signature).execute();
    },

    async outcomeSignatures(proposalId) {
      const query = db.selectFrom('outcome_signatures').selectAll().where('proposal_id', '=', proposalId);
      return (await query.orderBy('centre').execute()).map(outcomeOf);
    },

    async signOutcome(own) {
      const { proposalId, centre } = own;
      return await write(context, undefined, async (trx) => {
        await trx
          .insertInto('outcome_signatures')
          .values(rowOf(own))
          .onConflict((on) => on.doNothing())
          .execute();
        const stands = trx.selectFrom('outcome_signatures').selectAll().where('proposal_id', '=', proposalId);
        return outcomeOf(await stands.where('centre', '=', centre).executeTakeFirstOrThrow());
      });
    },

    async keepOutcomeSignatures(others) {
      await write(context, undefined, async (trx) => {
        for (const other of others) {
          const { digest, signature } = other;
          await trx
            .insertInto('outcome_signatures')
            .values(rowOf(other))
            .onConflict((on) => on.columns(['proposal_id', 'centre']).doUpdateSet({ digest, signature }))
            .execute();
        }
      });
    },
  };
}

function draftOf({ draft_hash, content_hash, content, valid_until }: Schema['proposal_drafts']): StoredDraft {
  return { draftHash: draft_hash as Hash, contentHash: content_hash as Hash, content, validUntil: valid_until };
}

function ballotOf({ proposal_id, voter, support, reason, signature }: Schema['ballots']): StoredBallot {
  return {
    proposalId: proposal_id as Hash,
    voter: voter as Address,
    support: support as Support,
    reason: JSON.parse(reason) as string,
    signature: signature as Hex,
  };
}

function outcomeOf({ proposal_id, centre, digest, signature }: Schema['outcome_signatures']): OutcomeSignature {
  return {
    proposalId: proposal_id as Hash,
    centre: centre as Address,
    digest: digest as Hash,
    signature: signature as Hex,
  };
}

function rowOf({ proposalId, ...rest }: OutcomeSignature): Schema['outcome_signatures'] {
  return { proposal_id: proposalId, ...rest };
}
