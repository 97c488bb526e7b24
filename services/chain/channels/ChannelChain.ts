import type { Address, Hash } from '../../core/bytes.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import type { Closing, Lock, SignedState } from '../../core/channels/state.ts';
import type { Frontier } from '../../core/log/compactRange.ts';
import type { ChainBlock } from '../Governance.ts';
import type { CallOptions, MinedCall } from '../SentTransaction.ts';
import type { ChannelEvent, ChannelEventOf } from './ChannelEvent.ts';

/** Where a channel stands on the chain; `deadline` is the last second, Unix, in which a version above `version` is taken. */
export type ChannelStatus =
  | { readonly status: 'none' | 'open' | 'settled' }
  | { readonly status: 'closing'; readonly deadline: number; readonly version: number };

/** What a requester opens a channel with; it is the sender. */
export type ChannelTerms = Omit<Channel, 'requester'>;

/** Inclusion proof of a digest in the evidence tree with this root. */
export type EvidenceProof = {
  readonly root: Hash;
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly path: readonly Uint8Array[];
};

/** Both signatures over a `Close`, 64 or 65 bytes each. */
export type CloseSignatures = Pick<SignedState, 'requesterSignature' | 'verifierSignature'>;

/** What the two hashes of a state stand for. */
export type StateContent = { readonly locks: readonly Lock[]; readonly evidence: Frontier };

/**
 * `EvidenceChannels` on one chain. What sends waits until the transaction is in a block, is sent again for more when it is stuck,
 * and may be called for many channels at once: all transactions of an account take their nonces from one place. It throws
 * `channel-invalid` (terms, amounts, token), `channel-state` (the channel is not in the state that this needs), else
 * `chain-call-rejected`, each with data `{ error, args }` (custom errors of the contract), and `key-missing` without a signer.
 * Everything throws `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, and what sends also `chain-funds-missing` and
 * `chain-fees-too-high`.
 */
export type ChannelChain = {
  /** What everything signed in a channel is bound to. */
  readonly network: ChannelNetwork;
  /** Hash of chain block 0. */
  readonly genesisHash: Hash;
  /** Who sends; undefined without a signer. */
  readonly account: Address | undefined;

  /** Newest block of the chain. */
  newestBlock(): Promise<ChainBlock>;
  /** The block at a number now; undefined beyond the newest. */
  blockAt(blockNumber: number): Promise<ChainBlock | undefined>;
  /** The first block that can have events: that of the contract's deployment, or the one that the chain was opened from. */
  firstBlock(): Promise<number>;
  /** Events of all channels in these blocks, both included, in chain order. */
  events(fromBlock: number, toBlock: number): Promise<ChannelEvent[]>;
  /** How a channel was opened; undefined where it was not. */
  opening(channelId: Hash): Promise<ChannelEventOf<'opened'> | undefined>;
  /** The last state that was handed in for a channel; undefined where none was. */
  lastClosing(channelId: Hash): Promise<ChannelEventOf<'closing'> | undefined>;
  /** How a channel ended; undefined where it has not. */
  settlement(channelId: Hash): Promise<ChannelEventOf<'settled'> | undefined>;
  status(channelId: Hash): Promise<ChannelStatus>;
  /** What a channel holds; 0 before it was opened and after it was settled. */
  held(channel: Channel): Promise<bigint>;
  /** Chain time, Unix seconds, at which a bill key became public; undefined if it is not. */
  revealedAt(keyHash: Hash): Promise<number | undefined>;
  /** What a payee can withdraw. */
  credit(token: Address, account: Address): Promise<bigint>;
  /** The total digest that was anchored for so many pieces of evidence without closing. */
  anchoredEvidence(channelId: Hash, evidenceCount: number): Promise<Hash | undefined>;
  /** Whether a digest is in the evidence of a channel, by a total digest on chain. */
  verifyEvidence(channelId: Hash, digest: Hash, proof: EvidenceProof): Promise<boolean>;

  /** Opens a channel of the account's own. A token is approved first where the allowance is too small. */
  open(terms: ChannelTerms, options?: CallOptions): Promise<MinedCall & { channel: Channel; channelId: Hash }>;
  /** Pays more in, for the requester; as {@link ChannelChain.open} for tokens. @param expectedHeld What the channel holds before. */
  deposit(channel: Channel, amount: bigint, expectedHeld: bigint, options?: CallOptions): Promise<MinedCall>;
  /** Ends a channel as both have signed, also while it is closing. */
  closeTogether(
    channel: Channel,
    closing: Closing,
    signatures: CloseSignatures,
    options?: CallOptions,
  ): Promise<MinedCall>;
  /** Begins to end a channel alone; with undefined by the state that nobody has signed. For the two sides only. */
  startClosing(channel: Channel, state: SignedState | undefined, options?: CallOptions): Promise<MinedCall>;
  /** Replaces the state that was handed in by a newer one. */
  challenge(channel: Channel, state: SignedState, options?: CallOptions): Promise<MinedCall>;
  /** Makes bill keys public; undefined when all of them are already, so that nothing was sent. At most 256. */
  reveal(keys: readonly Hash[], options?: CallOptions): Promise<MinedCall | undefined>;
  /**
   * Pays out after the deadline, by the state that was handed in last.
   * @param content Of that state; without it (a state without locks) none is paid.
   */
  settle(channel: Channel, content?: StateContent, options?: CallOptions): Promise<MinedCall>;
  /** Puts the total digest of a state on chain without closing. */
  anchorEvidence(channel: Channel, state: SignedState, options?: CallOptions): Promise<MinedCall>;
  /** Takes a credit of the account out. */
  withdraw(token: Address, to: Address, options?: CallOptions): Promise<MinedCall>;
  /** Ends all that is under way, where this was opened by itself. */
  close(): void;
};
