import type { Readable } from 'node:stream';
import type { Joined, JoinStep } from '../app/admission/join.ts';
import type { JoinStatus } from '../app/admission/joinStatus.ts';
import type { ApiKeyScope, ApiKeyView } from '../app/Centre.ts';
import type { EvidenceChannel } from '../app/channels/EvidenceChannel.ts';
import type { CheckedManifest } from '../core/admission/manifest.ts';
import type { Address, Hash } from '../core/bytes.ts';
import type { Channel } from '../core/channels/channel.ts';
import type { EvidenceKind } from '../core/channels/upload.ts';
import type { VerifierContent } from '../lib/client/channels/contentOf.ts';
import type { Output } from './Output.ts';
import type { Settings } from './settings.ts';

/** What every action gets. */
export type ActionContext = {
  readonly settings: Settings;
  readonly output: Output;
  /** Aborts on Ctrl-C: stop cleanly and return. */
  readonly signal: AbortSignal;
  /** Shows a bar for what lasts over a second. */
  readonly progress: (label: string, total: number) => { advance(step: number): void; stop(): void };
};

/** What `notarium rebuild` did. */
type RebuildReport = { readonly blocks: number; readonly records: number; readonly notes?: readonly string[] };

/** What was written or read by `notarium export` and `import`. */
export type BackupReport = { readonly files: number; readonly sizeBytes: number; readonly records: number };

/** How a node joins; what was attested before stands in for name, endpoint, statement and authenticators that are left out. */
export type JoinOptions = {
  readonly keystore: string;
  readonly password: string;
  readonly manifest: CheckedManifest;
  readonly name?: string;
  readonly endpoint?: string;
  readonly statement?: string;
  readonly authenticators?: readonly string[];
  readonly again?: boolean;
  readonly onStep: (step: JoinStep) => void;
};

/** How a requester opens a channel. */
export type OpenChannelOptions = {
  /** Base URL of the verifier. */
  readonly url: string;
  /** The requester's private key: it signs states at once. */
  readonly privateKey: Uint8Array;
  /** Deposit, in the smallest unit. */
  readonly amount: bigint;
  readonly token: Address;
  readonly challengeSeconds?: number | undefined;
};

/** Which content is fetched, and as whom. */
export type ChannelContentOptions = {
  readonly channelId: Hash;
  readonly privateKey: Uint8Array;
  readonly url?: string | undefined;
  readonly digest: Hash;
  /** Of encrypted content: 32 bytes. */
  readonly contentKey?: Uint8Array | undefined;
};

/** A channel that was opened. */
export type OpenedChannel = { readonly channelId: Hash; readonly channel: Channel; readonly transactionHash: Hash };

/** A channel of ours that this machine knows. */
export type KnownChannel = {
  readonly channelId: Hash;
  readonly url: string;
  readonly channel: Channel;
  readonly openedAt: string;
  /** False for one whose opening was interrupted, as far as this machine knows. */
  readonly isOpened: boolean;
  readonly isSettled: boolean;
};

/** Evidence channels, from the side of the requester. */
export type ChannelActions = {
  open(context: ActionContext, options: OpenChannelOptions): Promise<OpenedChannel>;
  /** Channels of the data folder, the oldest first. */
  known(context: ActionContext): Promise<readonly KnownChannel[]>;
  /** Gives one to work with, resumed with its verifier, and stops it in the end. @throws NotariumError `channel-unknown`. */
  use<T>(
    context: ActionContext,
    options: { readonly channelId: Hash; readonly privateKey: Uint8Array },
    work: (channel: EvidenceChannel) => Promise<T>,
  ): Promise<T>;
  /** Content that a channel has paid for, from a verifier: by what the channel says where no URL is given. No chain is asked. */
  content(context: ActionContext, options: ChannelContentOptions): Promise<VerifierContent>;
};

/** Evidence of channels in the data folder or bucket of a verifier. */
export type EvidenceReader = {
  /** Undefined when it is not there. @throws NotariumError `evidence-key-missing`, `evidence-corrupt` (in the stream). */
  open(
    digest: Hash,
    key?: Uint8Array,
  ): Promise<{ readonly content: Readable; readonly sizeBytes: number; readonly kind: EvidenceKind } | undefined>;
  /** Files of evidence: those of some digests, or all. */
  list(digests: readonly Hash[]): AsyncIterable<EvidenceFile>;
  /** Hashes a file anew. @throws NotariumError `evidence-corrupt`. */
  check(
    file: EvidenceFile,
    key?: Uint8Array,
  ): Promise<{ readonly sizeBytes: number; readonly found: 'intact' | 'stored' }>;
};

/** One file of an {@link EvidenceReader}. */
export type EvidenceFile = {
  readonly digest: string;
  readonly kind: EvidenceKind;
  readonly keyId?: string;
  readonly name: string;
};

/** Commands that need store or chain, and so come from main.ts. Each throws NotariumErrors. */
export type CliActions = {
  /** Runs a centre until the signal aborts, and has stopped it when it returns. */
  runNode(context: ActionContext): Promise<void>;
  /** Runs a verifier of evidence, likewise. */
  runVerifier(context: ActionContext, options: { readonly policy: string }): Promise<void>;
  readonly channels: ChannelActions;
  /** Runs a watchtower of evidence channels, likewise. */
  runWatchtower(context: ActionContext): Promise<void>;
  /** Restores the database from the log tiles and the chain. */
  rebuild(context: ActionContext, options: { readonly allowMissing: boolean }): Promise<RebuildReport>;
  /** Makes this node a candidate that can be voted on. */
  join(context: ActionContext, options: JoinOptions): Promise<Joined>;
  joinStatus(context: ActionContext, candidate: Address): Promise<JoinStatus>;
  readonly keys: {
    create(
      context: ActionContext,
      name: string,
      scopes: readonly ApiKeyScope[],
    ): Promise<{ key: ApiKeyView; secret: string }>;
    list(context: ActionContext): Promise<readonly ApiKeyView[]>;
    revoke(context: ActionContext, id: string): Promise<boolean>;
  };
  /** @throws NotariumError `evidence-not-found` when there is no evidence store. */
  readEvidence(context: ActionContext): Promise<EvidenceReader>;
  exportData(context: ActionContext, file: string): Promise<BackupReport>;
  importData(context: ActionContext, file: string): Promise<BackupReport>;
};
