import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChannelDesk } from '../app/channels/ChannelDesk.ts';
import { chainFacts } from '../app/channels/chainFacts.ts';
import { evidenceKeeper } from '../app/channels/deskKeeper.ts';
import { EvidenceDesk } from '../app/channels/evidence/EvidenceDesk.ts';
import type { EvidencePolicy } from '../app/channels/evidence/evidencePolicy.ts';
import { OpeningTimes } from '../app/channels/OpeningTimes.ts';
import { Settlement } from '../app/channels/Settlement.ts';
import type { SettlementSettings } from '../app/channels/SettlementParts.ts';
import { verifierSide } from '../app/channels/settlementSides.ts';
import { Verifier } from '../app/channels/Verifier.ts';
import { verifierDesk } from '../app/channels/verifierDesk.ts';
import type { ChannelChain } from '../chain/channels/ChannelChain.ts';
import type { Hash } from '../core/bytes.ts';
import type { Channel } from '../core/channels/channel.ts';
import { NotariumError } from '../core/errors.ts';
import { billKeys } from '../lib/billKeys.ts';
import { channelSigner } from '../lib/channelSigner.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { every } from '../lib/every.ts';
import type { Logger } from '../lib/logger.ts';
import type { NativeCrypto } from '../lib/nativeCrypto.ts';
import { writeFileWhole } from '../lib/writeFileWhole.ts';
import { openChannelStore } from '../store/channels/openChannelStore.ts';
import { openNewestStates } from '../store/channels/openNewestStates.ts';
import { lockFolder } from '../store/folderLock.ts';
import type { S3Credentials } from '../store/Store.ts';

/** What a verifier is opened with. */
export type VerifierOptions = {
  readonly dataDir: string;
  readonly databaseUrl?: string | undefined;
  readonly evidenceUrl?: string | undefined;
  readonly s3?: S3Credentials | undefined;
  readonly policy: EvidencePolicy;
  readonly privateKey: Uint8Array;
  /** Sends by the same key. */
  readonly chain: ChannelChain;
  readonly confirmations: number;
  readonly crypto: NativeCrypto;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Of its duties on chain, what differs from the defaults. */
  readonly settlement?: Partial<SettlementSettings>;
};

/** A verifier that runs. */
export type RunningVerifier = { readonly desk: ChannelDesk; close(): Promise<void> };

/** How long before a lock's expiry the verifier goes on chain; a shorter time for bills that live shortly. */
const safetySeconds = 120;
/** A requester that is there leaves the verifier less, so that never both of them go on at the same moment. */
const otherFirstSeconds = 30;
const dutyMs = 2_000;
/** As long as it is there, statements may be missing beside the evidence. */
const behindFile = 'statements-behind';

/**
 * Opens a verifier on its data folder. What is open is closed again when a later part fails.
 * @throws NotariumError `store-locked`, `store-corrupt`, `storage-failed`, `config-invalid`.
 */
export async function openVerifier(options: VerifierOptions): Promise<RunningVerifier> {
  const { dataDir, databaseUrl, policy, privateKey, chain, crypto, logger, clock = systemClock } = options;
  const safety = Math.min(safetySeconds, Math.floor(policy.billSeconds / 4));
  const folder = join(dataDir, 'channels');
  await using opened = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  opened.defer(() => lock.release());
  const evidence = await EvidenceDesk.open({
    ...{ folder, evidenceUrl: options.evidenceUrl, s3: options.s3, policy },
    ...{ network: chain.network, crypto, clock, logger },
  });
  opened.defer(() => evidence.close());
  const store = await openChannelStore({ dataDir, logger, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
  opened.defer(() => store.close());
  const states = await openNewestStates(join(folder, 'states'));
  opened.defer(() => states.close());
  const parts = { network: chain.network, store, states, crypto, clock, logger };
  const verifier: Verifier = new Verifier({
    ...parts,
    signer: channelSigner(privateKey, crypto),
    keyOf: billKeys(privateKey),
    chain: chainFacts(chain, options.confirmations),
    evidence: evidenceKeeper({
      desk: evidence,
      policy,
      requesterOf: async (channelId) => (await verifier.look(channelId)).party.channel.requester,
    }),
    touch: (channelId) => settlement.touch(channelId),
    settings: { safetySeconds: safety, billSeconds: policy.billSeconds, checkTerms: termsCheck(policy) },
  });
  const openings = await OpeningTimes.open(
    join(folder, 'openings'),
    async (channelId) => (await chain.opening(channelId))?.place.timestamp,
  );
  const openedAt = (channelId: Hash): Promise<number> => openings.of(channelId);
  const side = verifierSide(verifier, { folder, store, openedAt, logger });
  const settlement = new Settlement({
    ...{ chain, side, logger, clock, policy: policy.closing },
    settings: { ...options.settlement, safetySeconds: safety, untriedSeconds: 2 * safety, otherFirstSeconds },
  });
  const behind = join(folder, behindFile);
  const wasBehind = existsSync(behind);
  await writeFileWhole(behind, '');
  evidence.start();
  settlement.start();
  const stop = new AbortController();
  const duties = every(dutyMs, () => verifier.runDuties(), {
    signal: stop.signal,
    logger,
    clock,
    name: 'channel duties',
  });
  const caughtUp = wasBehind ? catchUp(verifier, stop.signal, logger) : Promise.resolve(true);
  const recalled = verifier.recall(stop.signal).catch((error: unknown) => {
    logger.error({ err: error }, 'it is not known which channels were opened after a backup');
  });
  opened.move();
  return {
    desk: verifierDesk({ verifier, evidence, store, chain, settlement, policy, safetySeconds: safety }),
    async close() {
      stop.abort();
      await duties.done;
      await recalled;
      await settlement.close();
      const isWritten = await verifier.stop();
      if ((await caughtUp) && isWritten) await rm(behind);
      await evidence.close();
      await store.close();
      await states.close();
      lock.release();
    },
  };
}

/** Beside the exchange. What fails is tried at the next start again. */
function catchUp(verifier: Verifier, signal: AbortSignal, logger: Logger): Promise<boolean> {
  return verifier.catchUp(signal).catch((error: unknown) => {
    logger.error({ err: error }, 'it is not known whether statements are missing beside the evidence');
    return false;
  });
}

/** Whether the policy takes a channel. */
function termsCheck(policy: EvidencePolicy): (channel: Channel, held: bigint) => void {
  return ({ token, challengeSeconds }, held) => {
    const { tokens, leastDeposit } = policy;
    const { least, most } = policy.challengeSeconds;
    const fail = (detail: string, have: unknown, want: unknown): NotariumError =>
      new NotariumError('channel-invalid', detail, { data: { have, want } });
    if (!tokens.includes(token)) throw fail('the verifier does not take this token', token, tokens);
    if (challengeSeconds < least || challengeSeconds > most)
      throw fail('the challenge period is too short or too long', challengeSeconds, { least, most });
    if (held < leastDeposit) throw fail('the deposit is too small', `${held}`, `${leastDeposit}`);
  };
}
