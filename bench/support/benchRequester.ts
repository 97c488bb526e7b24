import { join } from 'node:path';
import { chainFacts } from '../../services/app/channels/chainFacts.ts';
import { Requester } from '../../services/app/channels/Requester.ts';
import type { ChannelChain } from '../../services/chain/channels/ChannelChain.ts';
import { openChannelChain } from '../../services/chain/channels/openChannelChain.ts';
import type { Hash } from '../../services/core/bytes.ts';
import type { EvidenceKind } from '../../services/core/channels/upload.ts';
import { channelSigner } from '../../services/lib/channelSigner.ts';
import { HttpVerifier } from '../../services/lib/client/channels/HttpVerifier.ts';
import { sendUpload } from '../../services/lib/client/channels/sendUpload.ts';
import type { UploadSource } from '../../services/lib/client/channels/uploadSource.ts';
import { systemClock } from '../../services/lib/clock.ts';
import { localSigner } from '../../services/lib/localSigner.ts';
import { silentLogger } from '../../services/lib/logger.ts';
import { loadCrypto } from '../../services/lib/nativeCrypto.ts';
import { openChannelStore } from '../../services/store/channels/openChannelStore.ts';
import { devKey } from '../../test/support/chains.ts';
import type { VerifierPlace } from './VerifierBench.ts';

/** Evidence to be preserved: where it is read, and what a bill is to say of it. */
export type BenchItem = {
  readonly kind: EvidenceKind;
  readonly source: UploadSource;
  readonly digest: Hash;
  readonly count: number;
};

/** The requester of one channel with its upload, as the command line puts them together. */
export type BenchRequester = {
  /** Uploads, gets a bill, locks and pays; resolves when the digest is in a state that both have signed. */
  preserve(item: BenchItem): Promise<void>;
  close(): Promise<void>;
};

/** Requesters of one account, that share the connection to the chain and a database. */
export type BenchAccount = {
  /** Opens a channel on chain and begins with it. */
  open(salt: bigint): Promise<BenchRequester>;
  close(): Promise<void>;
};

const account = 3;
const amount = 10n ** 15n;

/** @param name Of its folder: each has one of its own. */
export async function benchAccount(place: VerifierPlace, name: string): Promise<BenchAccount> {
  const crypto = await loadCrypto();
  const signer = channelSigner(devKey(account), crypto);
  const chain: ChannelChain = await openChannelChain({
    ...{ rpcUrl: place.rpcUrl, contract: place.network.contract, logger: silentLogger },
    signer: localSigner(devKey(account), crypto),
  });
  const store = await openChannelStore({ dataDir: join(place.folder, 'requesters', name), logger: silentLogger });
  const open = async (salt: bigint): Promise<BenchRequester> => {
    const token = `0x${'0'.repeat(40)}` as const;
    const terms = { verifier: place.verifier, token, amount, challengeSeconds: 3600, salt };
    const { channel, channelId } = await chain.open(terms);
    const { url, network } = place;
    const api = new HttpVerifier({ url, network, channelId, sign: signer.sign });
    const requester = await Requester.open({
      ...{ network, channel, signer, store, chain: chainFacts(chain, 1), api, touch: () => {} },
      settings: { safetySeconds: 120, maxLockSeconds: 7200, retryMs: 250, maxRetryMs: 10_000 },
      ...{ crypto, clock: systemClock, logger: silentLogger },
    });
    return {
      async preserve({ kind, source, digest, count }) {
        const upload = await sendUpload(source, {
          endpoint: api.uploadsUrl,
          authorization: () => api.token.header(),
          metadata: { kind, digest },
        });
        await requester.preserve({ uploads: [upload], digest, count, maxAmount: amount });
      },
      close: () => requester.stop(),
    };
  };
  return {
    open,
    async close() {
      await store.close();
      chain.close();
    },
  };
}
