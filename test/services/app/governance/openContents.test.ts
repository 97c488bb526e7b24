import { Readable } from 'node:stream';
import { expect } from 'chai';
import { contentProtocol, openContents, serveContents } from '../../../../services/app/governance/openContents.ts';
import { type Hash, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { maxConfigurationBytes } from '../../../../services/core/governance/configuration.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';
import type { Store } from '../../../../services/store/Store.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { closeNets, connectedPair } from '../../net/netKit.ts';
import { storePlace } from '../../store/storePlace.ts';

const text = (content: string): Uint8Array => utf8(JSON.stringify({ content }));

describe('contents by their hash', () => {
  let opened: AsyncDisposableStack;
  const crypto = loadCrypto();
  const hashOf = async (bytes: Uint8Array): Promise<Hash> => toHex((await crypto).sha256(bytes));

  async function store(): Promise<Store> {
    return await opened.use(await storePlace('sqlite')).open();
  }

  /** Two centres over a real socket, each with a store of its own. */
  async function pair() {
    const [a, b] = await connectedPair();
    const [storeA, storeB] = [await store(), await store()];
    const contents = openContents({ store: storeA, crypto: await crypto, net: () => a });
    return { a, b, storeA, storeB, contents };
  }

  beforeEach(() => {
    opened = new AsyncDisposableStack();
  });

  afterEach(async () => {
    await closeNets();
    await opened.disposeAsync();
  });

  it('are kept, and given back, without any network', async () => {
    const contents = openContents({ store: await store(), crypto: await crypto, net: () => undefined });
    const hash = await contents.put(text('one'));
    expect(hash).to.equal(await hashOf(text('one')));
    expect(await contents.get(hash)).to.deep.equal(text('one'));
    await expectCode('content-unavailable', contents.get(await hashOf(text('two'))));
    await expectCode('json-too-large', contents.get(hash, { maxBytes: 5 }));
    await expectCode('json-too-large', contents.put(new Uint8Array(maxConfigurationBytes + 1)));
  });

  it('come from another centre once, and are kept then', async () => {
    const { b, storeB, contents } = await pair();
    const theirs = openContents({ store: storeB, crypto: await crypto, net: () => b });
    let asked = 0;
    const hasContent: Store['hasContent'] = (hash) => {
      asked++;
      return storeB.hasContent(hash);
    };
    const { evidence, addContent } = storeB;
    serveContents({ store: { evidence, addContent, hasContent }, net: b });
    const hash = await theirs.put(text('from b'));
    const both = await Promise.all([contents.get(hash), contents.get(hash)]);
    expect(both).to.deep.equal([text('from b'), text('from b')]);
    expect(asked).to.equal(1);
    await b.close();
    expect(await contents.get(hash)).to.deep.equal(text('from b'));
  });

  it('are no door to the rest of the evidence store', async () => {
    const { b, storeB, contents } = await pair();
    serveContents({ store: storeB, net: b });
    const { digest } = await storeB.evidence.put(Readable.from([utf8('evidence of a client')]));
    const { data } = await expectCode('content-unavailable', contents.get(toHex(digest)));
    expect(data.answers).to.deep.equal({ [b.address]: 'content-unavailable' });
  });

  it('of another hash are refused, and blamed on who gave them', async () => {
    const { a, b, storeA, contents } = await pair();
    b.handle(contentProtocol, async function* () {
      yield text('something else');
    });
    const hash = await hashOf(text('asked for'));
    const { data } = await expectCode('content-unavailable', contents.get(hash));
    expect(data.answers).to.deep.equal({ [b.address]: 'peer-answer-invalid' });
    expect(a.peers().find(({ address }) => address === b.address)!.score).to.be.greaterThan(0);
    expect(await storeA.hasContent(hash)).to.equal(false);
  });

  it('leaves the waiting to the caller', async () => {
    const { b, contents } = await pair();
    const waiting = Promise.withResolvers<void>();
    b.handle(contentProtocol, async function* (_frames, _from, signal) {
      waiting.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield text('too late');
    });
    const stop = new AbortController();
    const got = contents.get(await hashOf(text('slow')), { signal: stop.signal });
    await waiting.promise;
    stop.abort(new Error('enough'));
    expect(await got.catch((error: Error) => error.message)).to.equal('enough');
    const again = contents.get(await hashOf(text('slow')), { signal: stop.signal });
    expect(await again.catch((error: Error) => error.message)).to.equal('enough');
  });
});
