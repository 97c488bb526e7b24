import { fromHex, type Hex, isHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Signer } from '../../core/signature.ts';
import { isPrivateKey, localSigner } from '../localSigner.ts';
import { loadCrypto, type NativeCrypto } from '../nativeCrypto.ts';
import type { BackOff } from './backOff.ts';
import { CentreHttp } from './CentreHttp.ts';
import { establishTrust, type TrustOutcome } from './Trust.ts';
import { asTrustedNetwork, type TrustedNetwork } from './TrustedNetwork.ts';

/** How a client works. */
export type NotariumOptions = {
  /** Base URL of a centre. */
  readonly url: string;
  /** 32 bytes in hexadecimal. Kept in memory; for a KMS give a `signer`. */
  readonly privateKey?: Hex | undefined;
  readonly signer?: Signer | undefined;
  /** With a key of the centre and no key pair, the centre signs as submitter. */
  readonly apiKey?: string | undefined;
  /** JSON-RPC of the chain, for verification online. */
  readonly rpcUrl?: string | undefined;
  /** The network, from a source that you trust. Without it the first answer is pinned (trust on first use). */
  readonly trusted?: TrustedNetwork | undefined;
  /** Folder that keeps pinned networks; without it a pin lasts as long as this object. */
  readonly networksFolder?: string | undefined;
  readonly trustNewEpochs?: boolean | undefined;
  readonly backOff?: BackOff | undefined;
  readonly timeoutMs?: number | undefined;
};

/** Ends a call; its reason is thrown. */
export type CallOptions = { readonly signal?: AbortSignal | undefined };

/** What all calls of one client share: the way to the centre, the key, the trusted network. Each is made once, when needed. */
export class Connection {
  readonly options: NotariumOptions;
  readonly http: CentreHttp;
  #crypto: Promise<NativeCrypto> | undefined;
  #signer: Promise<Signer | undefined> | undefined;
  #trust: Promise<TrustOutcome> | undefined;

  /** @throws NotariumError `config-invalid`. */
  constructor(options: NotariumOptions) {
    const privateKey = options.privateKey?.toLowerCase();
    if (privateKey !== undefined && !isHex(privateKey, 32)) {
      throw new NotariumError('config-invalid', 'the private key is not 0x and 64 hexadecimal digits');
    }
    if (privateKey !== undefined && !isPrivateKey(fromHex(privateKey))) {
      throw new NotariumError('config-invalid', 'the private key is outside the range of secp256k1');
    }
    this.options = options.trusted ? { ...options, trusted: asTrustedNetwork(options.trusted) } : options;
    this.http = new CentreHttp(options);
  }

  /** The trusted network, compared once with what the centre says. */
  trust(options: CallOptions = {}): Promise<TrustOutcome> {
    if (!this.#trust) {
      const asked = establishTrust(this.http, this.options, options.signal);
      this.#trust = asked;
      // A failure, of the network or by an abort, is not for ever.
      asked.catch(() => {
        if (this.#trust === asked) this.#trust = undefined;
      });
    }
    return this.#trust;
  }

  crypto(): Promise<NativeCrypto> {
    this.#crypto ??= loadCrypto();
    return this.#crypto;
  }

  /** The signer of this client; undefined when it has no key pair. */
  signer(): Promise<Signer | undefined> {
    this.#signer ??= this.#openSigner();
    return this.#signer;
  }

  async #openSigner(): Promise<Signer | undefined> {
    const { signer, privateKey } = this.options;
    if (signer || privateKey === undefined) return signer;
    return localSigner(fromHex(privateKey.toLowerCase() as Hex), await this.crypto());
  }
}
