import { access, constants } from 'node:fs/promises';
import type { ActivitySettings } from '../app/activities/ActivityHost.ts';
import type { AdmissionSettings } from '../app/admission/AdmissionSettings.ts';
import type { CentreSettings } from '../app/CentreParts.ts';
import { type CentreMetrics, createMetrics } from '../app/metrics.ts';
import { type OpenCentre, openCentre } from '../app/openCentre.ts';
import type { ResourceSettings } from '../app/resources/resourceSettings.ts';
import type { WebhookSettings } from '../app/webhook/webhookSettings.ts';
import type { Chain } from '../chain/Chain.ts';
import { openChain } from '../chain/openChain.ts';
import type { Address } from '../core/bytes.ts';
import { networkName } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import type { HttpOptions } from '../http/HttpOptions.ts';
import { type HttpServer, startHttpServer } from '../http/httpServer.ts';
import { openKeystore, openOldEncryptionKeys } from '../lib/keystore.ts';
import { localSigner } from '../lib/localSigner.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { version } from '../lib/version.ts';
import type { Net } from '../net/Net.ts';
import type { NetMetrics } from '../net/netMetrics.ts';
import { openStore } from '../store/openStore.ts';
import { openActivityKit } from './activities.ts';
import type { RunningVerifier, VerifierOptions } from './openVerifier.ts';
import { type StorePlaces, storeOptions } from './storePlaces.ts';

/** Everything that a running centre is configured by. */
export type NodeOptions = StorePlaces & {
  /** Keystore folder. */
  readonly keysDir: string;
  readonly password: string;
  /** Files with encryption keys from before, beside those in the keystore. */
  readonly oldEncryptionKeys?: readonly string[];
  readonly rpcUrl: string;
  readonly contract: Address;
  /** What differs from the defaults of private activities. */
  readonly activities?: Partial<ActivitySettings>;
  readonly http: HttpOptions;
  readonly settings?: Partial<CentreSettings>;
  /** Multiaddrs at which other centres may connect; a port of this machine alone by default. */
  readonly listen?: readonly string[];
  /** Multiaddrs that other centres are told, where they differ. */
  readonly announce?: readonly string[];
  /** Where to dial centres, by address, that need no look-up. */
  readonly peers?: ReadonlyMap<Address, readonly string[]>;
  /** false: an API process beside the one that publishes. */
  readonly publish?: boolean;
  /** How resource sets are kept on this machine; without it none is. */
  readonly resources?: ResourceSettings;
  /** How candidates are challenged here, where this centre is an authenticator: what differs from the defaults. */
  readonly admission?: Partial<AdmissionSettings>;
  /** A verifier of evidence as a module of this centre. */
  readonly verifier?: Pick<VerifierOptions, 'policy' | 'evidenceUrl' | 'confirmations'> & {
    readonly contract: Address;
  };
  /** Where events are told. */
  readonly webhook?: WebhookSettings;
};

/** A centre with its HTTP server. */
export type RunningNode = { readonly centre: OpenCentre; readonly http: HttpServer; close(): Promise<void> };

/**
 * Opens keystore, chain, store and centre, in this order, and then listens. What is open is closed again when a later
 * part fails.
 * @throws NotariumError of any part: `key-missing`, `chain-unreachable`, `chain-contract-missing`, `chain-forgot-anchors`,
 *   `store-locked`, `store-corrupt`, `store-network-mismatch`, `port-taken`, …
 */
export async function openNode(options: NodeOptions): Promise<RunningNode> {
  const { logger } = options;
  await requireReadable(options.admission?.asnDatabase);
  await using opened = new AsyncDisposableStack();
  const crypto = await loadCrypto();
  if (crypto.name !== 'secp256k1-native') {
    logger.warn({ crypto: crypto.name }, 'signatures are checked by the slower fallback');
  }
  const keys = await openKeystore(options.keysDir, options.password);
  const signer = localSigner(keys.nodeKey, crypto);
  const chain = await openChain({ rpcUrl: options.rpcUrl, contract: options.contract, signer, logger });
  opened.defer(() => chain.close());
  const store = await openStore(storeOptions(options, chain));
  opened.defer(() => store.close());
  await store.check();
  const metrics = createMetrics();
  const { listen, publish, webhook, resources, admission } = options;
  const activities = await openActivityKit(options, keys, await oldKeysOf(options));
  opened.defer(() => activities.store.close());
  const centre = await openCentre({
    store,
    chain,
    signer,
    metrics,
    ...(publish === false ? {} : { openNet: netOpener(options, { chain, privateKey: keys.nodeKey, metrics }) }),
    joinsAtOnce: listen !== undefined,
    ...(options.peers ? { peers: options.peers } : {}),
    privateKey: keys.nodeKey,
    noteSeed: keys.noteSeed,
    crypto,
    logger,
    version,
    dataDir: options.dataDir,
    ...(options.settings ? { settings: options.settings } : {}),
    ...(publish === undefined ? {} : { publish }),
    ...(webhook ? { webhook } : {}),
    ...(resources ? { resources } : {}),
    ...(admission ? { admission } : {}),
    activities,
  });
  opened.defer(() => centre.close());
  const verifier = await openModule(options, { chain, privateKey: keys.nodeKey, crypto });
  if (verifier) opened.defer(() => verifier.close());
  const http = await startHttpServer(centre, {
    ...{ version, logger, registry: centre.metrics.registry },
    ...(verifier ? { channels: verifier.desk } : {}),
    ...options.http,
  });
  opened.move();
  return {
    centre,
    http,
    // The centre closes store and chain itself, after its last write.
    async close() {
      await http.stop();
      await verifier?.close();
      await centre.close();
      await activities.store.close();
    },
  };
}

/** The verifier of evidence, where this centre is to be one; it sends by the centre's own account. */
async function openModule(
  options: NodeOptions,
  parts: Pick<VerifierOptions, 'privateKey' | 'crypto'> & { readonly chain: Chain },
): Promise<RunningVerifier | undefined> {
  if (!options.verifier) return undefined;
  const { openVerifier } = await import('./openVerifier.ts');
  const { contract, ...verifier } = options.verifier;
  const { dataDir, databaseUrl, s3, logger } = options;
  const chain = await parts.chain.channels(contract);
  return await openVerifier({ ...parts, ...verifier, dataDir, databaseUrl, s3, logger, chain });
}

/** @throws NotariumError `file-unreadable`: otherwise the first candidate would find that out. */
async function requireReadable(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new NotariumError('file-unreadable', path, { data: { path }, cause });
  });
}

/** Opens the network between centres; may be called again after it has failed. */
function netOpener(
  { listen, announce, logger }: NodeOptions,
  { chain, privateKey, metrics }: { chain: Chain; privateKey: Uint8Array; metrics: CentreMetrics },
): () => Promise<Net> {
  let netMetrics: NetMetrics | undefined;
  return async () => {
    // A centre that is alone need not load libp2p.
    const [{ openNet }, { createNetMetrics }] = await Promise.all([
      import('../net/openNet.ts'),
      import('../net/netMetrics.ts'),
    ]);
    netMetrics ??= createNetMetrics(metrics.registry);
    return await openNet({
      privateKey,
      network: networkName(chain.info.network),
      logger,
      metrics: netMetrics,
      ...(listen ? { listen } : {}),
      ...(announce ? { announce } : {}),
    });
  };
}

function oldKeysOf({ keysDir, oldEncryptionKeys = [], password }: NodeOptions): Promise<Uint8Array[]> {
  return openOldEncryptionKeys(keysDir, oldEncryptionKeys, password);
}
