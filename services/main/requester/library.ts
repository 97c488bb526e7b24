import type { EvidenceChannel } from '../../app/channels/EvidenceChannel.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import type { OpenTerms } from './openOnChain.ts';
import { type RequesterKey, signerOf } from './requesterKey.ts';
import type { UseEvidenceChannelOptions } from './runEvidenceChannel.ts';

/** What {@link openEvidenceChannel} needs: the terms, and whose channel it is. */
export type OpenEvidenceChannelOptions = OpenTerms & RequesterKey;

/**
 * Opens an evidence channel: pays the deposit into the contract, and gives the channel to work with as {@link useEvidenceChannel} does.
 * The prices that the verifier names now are the most that any bill may ask for.
 * @throws NotariumError `channel-invalid` (terms, token, another contract), `chain-funds-missing`, `chain-unreachable`,
 *   `chain-contract-missing`, `server-unreachable`, `server-answer-invalid`, `config-invalid`.
 */
export async function openEvidenceChannel(options: OpenEvidenceChannelOptions): Promise<EvidenceChannel> {
  const signer = signerOf(options, await loadCrypto());
  // Read when it is called: who notarises only needs neither the database nor the contracts.
  const { openOnChain } = await import('./openOnChain.ts');
  const { channelId } = await openOnChain(options, signer);
  const { rpcUrl, folder, signal } = options;
  return await useEvidenceChannel({ rpcUrl, folder, channelId, signer, signal });
}

/**
 * Goes on with an evidence channel that was opened from a folder: with its states, and what is on its way. While it is open here, its
 * bills are paid, and what has to be done for it on chain is done. Stop it in the end (`await using`, or `stop()`), which leaves the
 * channel as it is; `close()` ends the channel itself.
 * @throws NotariumError `channel-unknown`, `key-missing` (it was opened with another key), `chain-unreachable`, `chain-mismatch`,
 *   `channel-not-opened` (its deposit is not on chain), `config-invalid`, `store-corrupt`, `store-locked` (another process uses it).
 */
export async function useEvidenceChannel(options: UseEvidenceChannelOptions): Promise<EvidenceChannel> {
  const { runEvidenceChannel } = await import('./runEvidenceChannel.ts');
  return await runEvidenceChannel(options);
}
