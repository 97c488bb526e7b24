import { openChannelChain } from '../chain/channels/openChannelChain.ts';
import type { ActionContext } from '../cli/CliActions.ts';
import { readPassword } from '../cli/openClient.ts';
import type { Terminal } from '../cli/Terminal.ts';
import { defaultRateLimits } from '../http/HttpOptions.ts';
import { startVerifierServer } from '../http/httpServer.ts';
import { openKeystore } from '../lib/keystore.ts';
import { localSigner } from '../lib/localSigner.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { version } from '../lib/version.ts';
import { aborted } from './aborted.ts';
import { nodeLogger } from './nodeLogger.ts';
import { openVerifier } from './openVerifier.ts';
import { readPolicy } from './readPolicy.ts';
import { required } from './required.ts';
import { keysDirOf, storePlaces } from './storePlaces.ts';
import { warnOfNoCoins } from './warnOfNoCoins.ts';

const defaultPort = 8090;

/**
 * Runs a verifier until the signal aborts, and has stopped it when it returns.
 * @throws NotariumError `config-invalid`, `key-missing`, `chain-unreachable`, `chain-contract-missing`, `store-locked`, `port-taken`, …
 */
export async function runVerifier(
  { settings, output, signal }: ActionContext,
  options: { readonly policy: string },
  terminal: Terminal,
): Promise<void> {
  const logger = nodeLogger(settings.logLevel ?? 'info');
  const { host, port = defaultPort, trustProxy, replaceAfter, maxGasPrice, confirmations = 1 } = settings;
  const policy = await readPolicy(options.policy);
  const crypto = await loadCrypto();
  const keysDir = keysDirOf(settings);
  const { nodeKey } = await openKeystore(keysDir, await readPassword(settings, terminal, `Password of ${keysDir}`));
  const rpcUrl = required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL');
  await using opened = new AsyncDisposableStack();
  const chain = await openChannelChain({
    rpcUrl,
    contract: required(settings.channels, 'the contract EvidenceChannels', '--channels ADDRESS'),
    signer: localSigner(nodeKey, crypto),
    logger,
    ...(maxGasPrice === undefined ? {} : { maxFeePerGasWei: BigInt(Math.round(maxGasPrice * 1e9)) }),
    ...(replaceAfter === undefined ? {} : { replaceCallAfterMs: 1000 * replaceAfter }),
  });
  opened.defer(() => chain.close());
  const { s3, databaseUrl } = storePlaces(settings);
  const verifier = await openVerifier({
    ...{ dataDir: settings.data, databaseUrl, evidenceUrl: settings.evidenceUrl, s3 },
    ...{ policy, privateKey: nodeKey, chain, confirmations: Math.max(1, confirmations), crypto, logger },
  });
  opened.defer(() => verifier.close());
  const server = await startVerifierServer(verifier.desk, {
    ...{ port, version, logger },
    rateLimits: settings.rateLimit === false ? false : defaultRateLimits,
    ...(host === undefined ? {} : { host }),
    ...(trustProxy === undefined ? {} : { trustProxy }),
  });
  opened.defer(() => server.stop().then(() => undefined));
  output.line(`listening on ${server.url}`, `verifier ${chain.account} of ${chain.network.contract}`);
  output.json({ ok: true, url: server.url, verifier: chain.account, network: chain.network });
  output.note(
    `Requesters: notarium channel open --url ${server.url} --channels ${chain.network.contract} --amount AMOUNT`,
  );
  await warnOfNoCoins(output, rpcUrl, chain.account!);
  await aborted(signal);
  output.note('stopping …');
}
