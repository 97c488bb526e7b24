import { Readable } from 'node:stream';
import { type Address, fromHex, type Hash, toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { maxConfigurationBytes } from '../../core/governance/configuration.ts';
import { hashSchema } from '../../core/schemas.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import { unlessAborted } from '../../lib/unlessAborted.ts';
import type { Net } from '../../net/Net.ts';
import type { Store } from '../../store/Store.ts';
import { wrongAnswer } from '../replication/askRecords.ts';
import { firstFrame, jsonFrame, onlyFrame, readJson } from '../replication/wire.ts';
import type { Contents } from './Contents.ts';

/** A hash, answered by the document with it. */
export const contentProtocol = '/notarium/content/1';

const timeoutMs = 10_000;

/** What contents are kept and fetched with. */
export type ContentsParts = {
  readonly store: Pick<Store, 'evidence' | 'addContent' | 'hasContent'>;
  readonly crypto: Pick<NativeCrypto, 'sha256'>;
  /** The network between centres; undefined while this one is alone. */
  readonly net: () => Pick<Net, 'peers' | 'request' | 'blame'> | undefined;
};

/** See {@link Contents}. Two callers of one missing document share one round of questions, each with its own signal. */
export function openContents(parts: ContentsParts): Contents {
  const { store, crypto } = parts;
  const asking = new Map<Hash, Promise<Uint8Array>>();

  const put = async (bytes: Uint8Array): Promise<Hash> => {
    if (bytes.length > maxConfigurationBytes) throw tooLarge(bytes.length, maxConfigurationBytes);
    const { digest, sizeBytes } = await store.evidence.put(Readable.from([bytes]));
    const hash = toHex(digest);
    // Last: what is listed is there, whatever happens in between.
    await store.addContent(hash, sizeBytes);
    return hash;
  };

  const ask = async (hash: Hash): Promise<Uint8Array> => {
    const net = parts.net();
    const answers: Record<Address, string> = {};
    for (const { address, isConnected } of net?.peers() ?? []) {
      if (!isConnected) continue;
      try {
        const bytes = await askOne(net!, address, hash, crypto);
        await put(bytes);
        return bytes;
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        answers[address] = error.code;
      }
    }
    throw new NotariumError('content-unavailable', hash, { data: { hash, answers } });
  };

  return {
    put,
    async get(hash, { signal, maxBytes = maxConfigurationBytes } = {}) {
      signal?.throwIfAborted();
      let bytes = await ownContent(store, hash);
      if (!bytes) {
        let asked = asking.get(hash);
        if (!asked) {
          asked = ask(hash).finally(() => asking.delete(hash));
          asking.set(hash, asked);
        }
        bytes = await unlessAborted(asked, signal);
      }
      if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes);
      return bytes;
    },
  };
}

/** Answers the other centres; a document that was never kept as a content is given to nobody. */
export function serveContents({ store, net }: { store: ContentsParts['store']; net: Pick<Net, 'handle'> }): void {
  net.handle(contentProtocol, async function* (frames) {
    const { first } = await firstFrame(frames);
    const hash = readJson(hashSchema, first);
    const bytes = await ownContent(store, hash);
    if (!bytes) throw new NotariumError('content-unavailable', hash, { data: { hash } });
    yield bytes;
  });
}

/** A document of the own evidence store; undefined where it is none that may be given away. */
export async function ownContent(store: ContentsParts['store'], hash: Hash): Promise<Uint8Array | undefined> {
  if (!(await store.hasContent(hash))) return undefined;
  const stream = await store.evidence.get(fromHex(hash));
  if (!stream) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

async function askOne(
  net: Pick<Net, 'request' | 'blame'>,
  peer: Address,
  hash: Hash,
  crypto: ContentsParts['crypto'],
): Promise<Uint8Array> {
  const bytes = await onlyFrame(net.request(peer, contentProtocol, [jsonFrame(hash)], { timeoutMs }));
  if (bytes.length > maxConfigurationBytes || toHex(crypto.sha256(bytes)) !== hash) {
    throw wrongAnswer(net, peer, 'a document with another hash');
  }
  return bytes;
}

function tooLarge(have: number, want: number): NotariumError {
  return new NotariumError('json-too-large', undefined, { data: { have, want } });
}
