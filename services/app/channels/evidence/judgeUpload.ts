import { readFile } from 'node:fs/promises';
import type { Address, Hash } from '../../../core/bytes.ts';
import { captureDevice } from '../../../core/channels/capture.ts';
import type { ChannelNetwork } from '../../../core/channels/channel.ts';
import type { Crypto } from '../../../core/crypto.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { EvidenceVault, FinishedUpload } from '../../../store/channels/EvidenceVault.ts';
import { sortDigests, sortedDigests } from '../../../store/channels/memberIndex.ts';
import type { UploadInfo } from '../../../store/channels/uploadInfo.ts';
import { askHook } from './askHook.ts';
import type { EvidencePolicy } from './evidencePolicy.ts';

/** Why a policy does not take evidence. */
export type RefusalReason =
  | 'too-small'
  | 'too-large'
  | 'media-type'
  | 'list'
  | 'known'
  | 'device'
  | 'captured-at'
  | 'hook';

/** What judging works with. */
export type JudgeParts = {
  readonly policy: EvidencePolicy;
  readonly network: ChannelNetwork;
  readonly vault: EvidenceVault;
  /** Whether evidence of that digest was taken and is not paid yet. */
  readonly isAwaited: (digest: Hash) => boolean;
  readonly crypto: Crypto;
  readonly clock: Clock;
};

/** A finished upload: what it is, and its files. */
export type OfferedUpload = {
  readonly info: UploadInfo;
  readonly files: FinishedUpload;
  readonly requester: Address;
};

/**
 * Decides by the policy whether an upload is genuine evidence; returns when it is. That nobody has it yet is asked by {@link checkUnknown}.
 * @throws NotariumError `evidence-refused` {reason, have, want}, `evidence-hook-failed`.
 */
export async function judgeUpload(parts: JudgeParts, offered: OfferedUpload, signal?: AbortSignal): Promise<void> {
  checkContents(parts.policy, offered.info);
  const device = checkCapture(parts, offered.info);
  const { hook } = parts.policy.evidence;
  if (!hook) return;
  // It need not be bothered with what is refused anyway.
  await checkUnknown(parts, offered);
  const { id, channelId, declared, keyId, arrived } = offered.info;
  const { accept, reason } = await askHook(
    hook,
    {
      id,
      nowMs: parts.clock.nowMs(),
      data: {
        upload: id,
        channelId,
        requester: offered.requester,
        ...declared,
        ...arrived,
        device,
        encrypted: keyId !== undefined,
        // For a hook on this machine that wants to look at it.
        file: offered.files.path,
      },
    },
    signal,
  );
  if (!accept) throw refusal('hook', { have: reason ?? '' });
}

function checkContents({ evidence }: EvidencePolicy, { declared, arrived }: UploadInfo): void {
  if (declared.kind === 'digests') {
    if (evidence.lists) return;
    throw refusal('list', { have: 'digests', want: ['content', 'pack'] });
  }
  const { smallestBytes = 0, largestBytes = 0, mediaTypes = [] } = arrived ?? {};
  const { leastBytes, mostBytes } = evidence;
  if (smallestBytes < leastBytes) throw refusal('too-small', { have: smallestBytes, want: leastBytes });
  if (largestBytes > mostBytes) throw refusal('too-large', { have: largestBytes, want: mostBytes });
  const allowed = evidence.mediaTypes;
  const wrong = allowed && mediaTypes.find((type) => !allowed.some((pattern) => isOf(type, pattern)));
  if (wrong !== undefined) throw refusal('media-type', { have: wrong, want: allowed });
}

function checkCapture({ policy, network, crypto, clock }: JudgeParts, { declared }: UploadInfo): Address | undefined {
  const { devices, captureSeconds } = policy.evidence;
  const { capture, digest } = declared;
  const device = capture && captureDevice(network, digest, capture, crypto);
  if (!devices) return device;
  if (!device || !devices.includes(device)) throw refusal('device', { have: device ?? null, want: devices });
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  // A minute of difference between clocks is nobody's fault.
  const want = { from: nowSeconds - captureSeconds, to: nowSeconds + 60 };
  const have = capture.capturedAt;
  if (have < want.from || have > want.to) throw refusal('captured-at', { have, want });
  return device;
}

/**
 * Where the policy wants evidence to be unique: that nobody has paid for it or has a bill for it. It holds until something is taken.
 * @throws NotariumError `evidence-refused`.
 */
export async function checkUnknown(
  { policy, vault, isAwaited }: JudgeParts,
  { files }: Pick<OfferedUpload, 'files'>,
): Promise<void> {
  if (!policy.evidence.unique) return;
  const known =
    (await vault.firstHeld(files.digest, isAwaited)) ??
    (files.kind === 'content' ? undefined : await vault.firstHeld(await digestsOf(files), isAwaited));
  if (known) throw refusal('known', { have: `0x${Buffer.from(known).toString('hex')}` });
}

/** Digests of a pack or list, in order. */
async function digestsOf({ kind, path, membersPath }: FinishedUpload): Promise<Uint8Array> {
  if (kind === 'digests') return sortDigests(await readFile(path));
  return sortedDigests(await readFile(membersPath!));
}

function isOf(type: string, pattern: string): boolean {
  return pattern.endsWith('/*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

function refusal(reason: RefusalReason, data: { readonly have?: unknown; readonly want?: unknown }): NotariumError {
  return new NotariumError('evidence-refused', reason, { data: { reason, ...data } });
}
