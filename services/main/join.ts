import { authenticatorUrl, isWebUrl } from '../app/admission/askAuthenticator.ts';
import { type Joined, join } from '../app/admission/join.ts';
import { type JoinStatus, joinStatus } from '../app/admission/joinStatus.ts';
import { readAttestation } from '../app/admission/keptAttestation.ts';
import { openChain } from '../chain/openChain.ts';
import type { ActionContext, JoinOptions } from '../cli/CliActions.ts';
import { type Entry, entrySchema, joinRequestSchema } from '../core/admission/joinRequest.ts';
import type { Address } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { openKeystore } from '../lib/keystore.ts';
import { localSigner } from '../lib/localSigner.ts';
import { silentLogger } from '../lib/logger.ts';
import { loadCrypto } from '../lib/nativeCrypto.ts';
import { required } from './required.ts';

/** `notarium join`: what is not given is taken from what was attested before. */
export async function joinByAction({ settings, signal }: ActionContext, options: JoinOptions): Promise<Joined> {
  const crypto = await loadCrypto();
  const keys = await openKeystore(options.keystore, options.password);
  const signer = localSigner(keys.nodeKey, crypto);
  const dataDir = settings.data;
  const kept = await readAttestation(dataDir);
  const entry = entryOf({
    name: required(options.name ?? kept?.entry.name, 'a name of this node', '--name NAME'),
    endpoint: required(options.endpoint ?? kept?.entry.endpoint, 'the address of its API', '--endpoint URL'),
    encryptionKey: keys.encryptionPublicKey,
    noteKey: keys.noteKey,
  });
  const statement = statementOf(options.statement ?? kept?.report.statement ?? '');
  const authenticators = [...new Set((options.authenticators ?? []).map(authenticatorUrl))];
  const chain = await openChain({
    rpcUrl: required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL'),
    contract: required(settings.contract, 'the contract BlockAnchor', '--contract ADDRESS'),
    signer,
    logger: silentLogger,
    signal,
  });
  const { manifest, onStep, again } = options;
  try {
    return await join(
      { chain, signer, crypto, clock: systemClock, dataDir },
      {
        manifest,
        entry,
        statement,
        authenticators,
        ...(again ? { again } : {}),
        signal,
        onStep,
      },
    );
  } finally {
    chain.close();
  }
}

// What an authenticator would refuse, after all of this machine's own measuring.
function entryOf(entry: Entry): Entry {
  const { name, endpoint } = entrySchema.shape;
  if (entry.name.trim() === '' || !name.safeParse(entry.name).success) {
    throw new NotariumError('usage-invalid', '--name has 1 to 64 bytes, not all of them blank');
  }
  if (!isWebUrl(entry.endpoint) || !endpoint.safeParse(entry.endpoint).success) {
    const form = 'an http:// or https:// address of at most 256 bytes, without a password';
    throw new NotariumError('usage-invalid', `--endpoint is ${form}`);
  }
  return entrySchema.parse(entry);
}

function statementOf(text: string): string {
  if (joinRequestSchema.shape.statement.safeParse(text).success) return text;
  throw new NotariumError('usage-invalid', '--statement has at most 4000 bytes of UTF-8');
}

/** `notarium join --status`. */
export async function joinStatusByAction({ settings, signal }: ActionContext, candidate: Address): Promise<JoinStatus> {
  const chain = await openChain({
    rpcUrl: required(settings.rpcUrl, 'the RPC of the chain', '--rpc URL'),
    contract: required(settings.contract, 'the contract BlockAnchor', '--contract ADDRESS'),
    logger: silentLogger,
    signal,
  });
  try {
    return await joinStatus(chain, candidate, { signal });
  } finally {
    chain.close();
  }
}
