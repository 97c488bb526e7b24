import { join } from 'node:path';
import { Watchtower } from '../app/channels/Watchtower.ts';
import { watchtowerMetrics } from '../app/channels/watchtowerMetrics.ts';
import { openChannelChain } from '../chain/channels/openChannelChain.ts';
import type { ActionContext } from '../cli/CliActions.ts';
import { openSigner } from '../cli/openClient.ts';
import type { Settings } from '../cli/settings.ts';
import type { Terminal } from '../cli/Terminal.ts';
import type { Address } from '../core/bytes.ts';
import { networkName } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { startWatchtowerServer, type WatchtowerServerOptions } from '../http/watchtower/watchtowerServer.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { openWatchtowerStore } from '../store/watchtower.ts';
import { aborted } from './aborted.ts';
import { nodeLogger } from './nodeLogger.ts';
import { required } from './required.ts';
import { warnOfNoCoins } from './warnOfNoCoins.ts';

const defaultChannelLimit = 100_000;

/**
 * Runs a watchtower until the signal aborts, and has stopped it when it returns.
 * @throws NotariumError `config-invalid`, `key-missing`, `chain-unreachable`, `chain-contract-missing`, `store-locked`,
 *   `store-network-mismatch`, `port-taken`, …
 */
export async function runWatchtower({ settings, output, signal }: ActionContext, terminal: Terminal): Promise<void> {
  const logger = nodeLogger(settings.logLevel ?? 'info');
  const { accounts, maxGasPrice, replaceAfter, channelLimit: mostChannels = defaultChannelLimit } = settings;
  const signer = await openSigner(settings, terminal);
  if (!signer) throw new NotariumError('key-missing', 'a challenge costs gas: give --keystore DIR or --key FILE');
  const rpcUrl = required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL');
  await using opened = new AsyncDisposableStack();
  const chain = await openChannelChain({
    rpcUrl,
    contract: required(settings.channels, 'the contract EvidenceChannels', '--channels ADDRESS'),
    signer,
    logger,
    ...(maxGasPrice === undefined ? {} : { maxFeePerGasWei: BigInt(Math.round(maxGasPrice * 1e9)) }),
    ...(replaceAfter === undefined ? {} : { replaceCallAfterMs: 1000 * replaceAfter }),
  });
  opened.defer(() => chain.close());
  const store = await openWatchtowerStore({
    dataDir: join(settings.data, 'watchtower'),
    network: networkName(chain.network),
    genesisHash: chain.genesisHash,
  });
  opened.defer(() => store.close());
  const metrics = watchtowerMetrics();
  const watchtower = new Watchtower({
    chain,
    store,
    crypto: await loadCrypto(),
    logger,
    metrics,
    mostChannels,
    ...(accounts === undefined ? {} : { accounts: new Set(accounts.toLowerCase().split(',') as Address[]) }),
  });
  opened.defer(() => watchtower.close());
  watchtower.start();
  const server = await startWatchtowerServer({ watchtower, metrics }, serverOptions(settings, logger));
  opened.defer(() => server.stop());
  output.line(`listening on ${server.url}`, `watchtower ${signer.address} of ${chain.network.contract}`);
  output.json({ ok: true, url: server.url, account: signer.address });
  await warnOfNoCoins(output, rpcUrl, signer.address);
  await aborted(signal);
  output.note('stopping …');
}

function serverOptions(
  { host, port, rateLimit, trustProxy }: Settings,
  logger: WatchtowerServerOptions['logger'],
): WatchtowerServerOptions {
  return {
    logger,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(rateLimit === false ? { rateLimit: false } : {}),
    ...(trustProxy === undefined ? {} : { trustProxy }),
  };
}
