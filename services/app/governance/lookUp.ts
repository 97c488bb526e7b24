import type { Address, Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { proposalKinds } from '../../core/governance/names.ts';
import type { StoredNotice } from '../../store/GovernanceStore.ts';
import { projectedProposal } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import { eventOf } from './noticeOf.ts';
import { ownContent } from './openContents.ts';
import type { ProposalLookUp } from './ProposalLookUp.ts';
import type { ProposalProjection } from './projections.ts';
import { type ProposalView, proposalStateAt, proposalView } from './proposalView.ts';
import { resultData } from './resultData.ts';
import { Titles } from './Titles.ts';

/** Proposals that are looked through for one page: where few match, a page may be short and have a next one all the same. */
const scanLimit = 500;
const rowsAtOnce = 50;
/** Of a vote's reason in a list. */
const listedReason = 200;
/** Contents that are asked for on behalf of clients at a time. */
const mostAsked = 4;
const noticesAtOnce = 500;

/** See {@link ProposalLookUp}. */
export function lookUp(parts: GovernanceParts): ProposalLookUp {
  const { store, notices, registry, logger } = parts;
  const titles = new Titles(parts);
  let asked = 0;

  const ask = async (hash: Hash, signal?: AbortSignal): Promise<Uint8Array | undefined> => {
    if (asked >= mostAsked) {
      throw new NotariumError('content-unavailable', 'too many are asked for', {
        data: { hash, retryAfterSeconds: 5 },
      });
    }
    asked++;
    try {
      return await parts.contents.get(hash, signal ? { signal } : {});
    } catch (error) {
      if (!isNotariumError(error, 'content-unavailable')) throw error;
      const answers = (error.data.answers ?? {}) as Record<Address, string>;
      // Only who could be asked can say that it is not there.
      if (registry.others().every(({ address }) => answers[address] === 'content-unavailable')) return undefined;
      throw error;
    } finally {
      asked--;
    }
  };

  return {
    async proposals({ state, kind, proposer, cursor, limit }) {
      const seconds = notices.chainSeconds();
      const found: { seq: number; proposal: ProposalProjection }[] = [];
      let beforeSeq = cursor;
      let hasMore = true;
      for (let scanned = 0; hasMore && scanned < scanLimit && found.length <= limit; scanned += rowsAtOnce) {
        const before = beforeSeq === undefined ? {} : { beforeSeq };
        const rows = await store.projections({ kind: 'proposal', ...before, limit: rowsAtOnce });
        for (const { seq, body } of rows) {
          const proposal = body as ProposalProjection;
          if (kind !== undefined && proposal.kind !== kind) continue;
          if (proposer !== undefined && proposal.proposer !== proposer) continue;
          if (state !== undefined && proposalStateAt(proposal, seconds) !== state) continue;
          found.push({ seq, proposal });
        }
        hasMore = rows.length === rowsAtOnce;
        beforeSeq = rows.at(-1)?.seq;
      }
      const page = found.slice(0, limit);
      const items: ProposalView[] = [];
      for (const { proposal } of page) {
        const title = await titles.of(proposal.contentHash);
        items.push(proposalView(proposal, seconds, { title, reasonCharacters: listedReason }));
      }
      const next = found.length > limit ? page.at(-1)!.seq : hasMore ? beforeSeq : undefined;
      return next === undefined ? { items } : { items, next: String(next) };
    },

    async proposal(proposalId) {
      const proposal = await projectedProposal(store, proposalId);
      if (!proposal) return undefined;
      const title = await titles.of(proposal.contentHash);
      const all = { title, reasonCharacters: Number.MAX_SAFE_INTEGER };
      const result = await resultData(parts, proposal).catch((error: unknown) => {
        // The rest is here, whatever the chain is doing.
        if (!isNotariumError(error) || !error.code.startsWith('chain-')) throw error;
        logger.debug({ err: error, proposalId }, 'no result data without the chain');
        return undefined;
      });
      return { ...proposalView(proposal, notices.chainSeconds(), all), result: result ?? null };
    },

    async rules() {
      const set = (await noticesOfType(parts, 'rule.set')).map(eventOf).filter((event) => event.type === 'rule.set');
      const byKind = new Map(set.map(({ kind, rule }) => [kind, rule]));
      const rules = proposalKinds.flatMap((kind) => {
        const rule = byKind.get(kind);
        return rule ? [{ kind, ...rule }] : [];
      });
      if (rules.length < proposalKinds.length) throw new NotariumError('not-ready', 'the first rules are not read yet');
      const weights = (await noticesOfType(parts, 'weights.set')).map(eventOf).at(-1);
      return { rules, weights: weights?.type === 'weights.set' ? weights.weights : [] };
    },

    content: async (hash, signal) => (await ownContent(store, hash)) ?? (await ask(hash, signal)),
  };
}

/** All of a type, in chain order; what was read again after a reorganisation has an older number. */
async function noticesOfType({ store }: Pick<GovernanceParts, 'store'>, type: string): Promise<StoredNotice[]> {
  const all: StoredNotice[] = [];
  for (let rows: StoredNotice[] | undefined; rows === undefined || rows.length === noticesAtOnce; ) {
    rows = await store.governanceEvents(all.at(-1)?.seq ?? 0, noticesAtOnce, type);
    all.push(...rows);
  }
  return all.sort(({ place: a }, { place: b }) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
}
