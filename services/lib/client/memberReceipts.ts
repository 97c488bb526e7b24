import { buildAggregate } from '../../core/aggregate.ts';
import { type Receipt, withInnerProof } from '../../core/receipt.ts';
import { digestText } from '../../core/record.ts';
import type { Draft } from './draft.ts';

/** One member of an aggregate. */
export type Member = { readonly path: string; readonly digest: Uint8Array };

/** Many contents under one record. */
export type MemberSet = {
  readonly members: readonly Member[];
  /** Draft of the one record: kind `aggregate`, digest = root, `meta.count`. */
  readonly draft: Draft;
  /**
   * The receipt of one member, made of the record's receipt.
   * @throws RangeError when there is no such member.
   */
  readonly receiptOf: (receipt: Receipt, index: number) => Receipt;
};

/**
 * Puts many contents under one record.
 * @throws RangeError for no member at all.
 */
export function aggregateMembers(members: readonly Member[], draft: Omit<Draft, 'digest' | 'kind'>): MemberSet {
  const digests = new Uint8Array(32 * members.length);
  members.forEach(({ digest }, index) => {
    digests.set(digest, 32 * index);
  });
  const aggregate = buildAggregate(digests);
  return {
    members,
    draft: {
      ...draft,
      kind: 'aggregate',
      digest: digestText(aggregate.root),
      meta: { ...draft.meta, count: aggregate.count },
    },
    receiptOf: (receipt, index) =>
      withInnerProof(receipt, { leafIndex: index, treeSize: aggregate.count, path: aggregate.proofOf(index) }),
  };
}
