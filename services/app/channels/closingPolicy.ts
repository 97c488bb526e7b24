/** When a channel is closed without anybody asking; each condition alone suffices, and one that is left out never holds. */
export type ClosingPolicy = {
  /** So many digests are in the evidence tree. */
  readonly evidenceCount?: number | undefined;
  /** So long ago it was opened. */
  readonly ageSeconds?: number | undefined;
  /** The requester has less than this left. */
  readonly requesterBalance?: bigint | undefined;
  /** The verifier has at least this. */
  readonly verifierBalance?: bigint | undefined;
  /** An open lock expires within this time. */
  readonly expirySeconds?: number | undefined;
};

/** What a policy decides by. */
export type ClosingFacts = {
  readonly evidenceCount: number;
  /** Unix seconds, of the chain block. */
  readonly openedAt: number;
  readonly requesterBalance: bigint;
  readonly verifierBalance: bigint;
  /** The first expiry of an open lock, Unix seconds. */
  readonly earliestExpiry?: number;
};

/** Why a channel is to be closed. */
export type ClosingReason = 'count' | 'age' | 'balance' | 'expiry';

/** Why a channel is to be closed now; undefined when it is not. */
export function closingReason(
  policy: ClosingPolicy,
  facts: ClosingFacts,
  nowSeconds: number,
): ClosingReason | undefined {
  const { evidenceCount, ageSeconds, requesterBalance, verifierBalance, expirySeconds } = policy;
  if (evidenceCount !== undefined && facts.evidenceCount >= evidenceCount) return 'count';
  if (ageSeconds !== undefined && nowSeconds >= facts.openedAt + ageSeconds) return 'age';
  if (requesterBalance !== undefined && facts.requesterBalance < requesterBalance) return 'balance';
  if (verifierBalance !== undefined && facts.verifierBalance >= verifierBalance) return 'balance';
  const { earliestExpiry } = facts;
  if (expirySeconds === undefined || earliestExpiry === undefined) return undefined;
  return nowSeconds >= earliestExpiry - expirySeconds ? 'expiry' : undefined;
}
