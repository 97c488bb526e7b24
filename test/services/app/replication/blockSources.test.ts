import { expect } from 'chai';
import { blockSources, serveLog } from '../../../../services/app/replication/blockSources.ts';
import { ProposalMemory } from '../../../../services/app/replication/ProposalMemory.ts';
import { ReadAhead } from '../../../../services/app/replication/ReadAhead.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { jsonFrame } from '../../../../services/app/replication/wire.ts';
import { zeroHash } from '../../../../services/core/block.ts';
import type { Address } from '../../../../services/core/bytes.ts';
import { decodeEntries, encodeEntries } from '../../../../services/core/log/entryBundle.ts';
import type { Net, RequestHandler, RequestOptions } from '../../../../services/net/Net.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { logAll, rows } from '../../store/storeKit.ts';
import { storePlace } from '../../store/storePlace.ts';

describe('blockSources', () => {
  const [good, bad, away] = ['0x0a', '0x0b', '0x0c'] as Address[];
  const entry = (at: number): Uint8Array => Uint8Array.of(at);

  /** A net of three peers, one of them away, on which each request is answered with the bundle. */
  function partsWith(bundle: Uint8Array, asked: RequestOptions[] = []): ReplicationParts {
    return {
      proposals: new ProposalMemory(),
      signer: { address: good },
      chain: { nodes: async () => [{ address: bad, endpoint: 'no URL', status: 'active' }] },
      net: {
        peers: () => [
          { address: bad, isConnected: true, score: 50 },
          { address: good, isConnected: true, score: 0 },
          { address: away, isConnected: false, score: 0 },
        ],
        async *request(_: Address, __: string, ___: unknown, options: RequestOptions) {
          asked.push(options);
          yield bundle;
        },
      },
    } as unknown as ReplicationParts;
  }
  const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
    const items: T[] = [];
    for await (const item of source) items.push(item);
    return items;
  };

  it('asks first the peer that has been blamed least, and each for seconds, not for ever', async () => {
    const asked: RequestOptions[] = [];
    const parts = partsWith(encodeEntries([entry(0), entry(1), entry(2)]), asked);
    const sources = await all(blockSources(parts, new ReadAhead(), zeroHash, 1, 3));
    expect(sources.map(({ name }) => name)).to.deep.equal([`peer ${good}`, `peer ${bad}`, 'tiles of no URL']);
    expect(await all(sources[0]!.entries())).to.deep.equal([[entry(1), entry(2)]]);
    expect(asked[0]!.timeoutMs).to.be.at.most(6_000);
  });

  it('gives the last records of a proposal where the log has the first ones already', async () => {
    const ids = Uint8Array.from({ length: 96 }, (_, at) => Math.floor(at / 32));
    const parts = partsWith(encodeEntries([]));
    const store = { entriesOf: async (some: readonly Uint8Array[]) => some.map((id) => entry(id[0]!)) };
    parts.proposals.keep(zeroHash, { ids, seqs: new Float64Array(3), extras: new Map([[2, entry(9)]]) });
    const sourcesFrom = (from: number) =>
      all(blockSources({ ...parts, store } as never, new ReadAhead(), zeroHash, from, 8));
    expect(await all((await sourcesFrom(5))[0]!.entries())).to.deep.equal([[entry(0), entry(1), entry(9)]]);
    expect(await all((await sourcesFrom(6))[0]!.entries())).to.deep.equal([[entry(1), entry(9)]]);
    expect((await sourcesFrom(4)).map(({ name }) => name)).to.not.include('own pool');
  });

  it('says of what is no bundle that it is not the block', async () => {
    const [source] = await all(blockSources(partsWith(Uint8Array.of(9, 9, 9)), new ReadAhead(), zeroHash, 0, 1));
    await expectCode('block-invalid', all(source!.entries()));
  });

  it('says of an endpoint that cannot be fetched that it is away, so that the next source is asked', async () => {
    const sources = await all(blockSources(partsWith(new Uint8Array()), new ReadAhead(), zeroHash, 0, 1));
    await expectCode('peer-unreachable', all(sources.at(-1)!.entries()));
  });

  it('gives others what is anchored, and nothing that has lost its anchors: they would blame for it', async () => {
    await using place = await storePlace('sqlite');
    const store = await place.open();
    let handler: RequestHandler | undefined;
    const net: Partial<Net> = {
      handle: (_, given) => {
        handler = given;
      },
    };
    serveLog({ net: net as Net, store });
    const common = rows(20, 'common');
    await logAll(store, common, 1);
    await logAll(store, rows(9, 'lost'), 2);
    const given = async (from: number, to: number): Promise<Uint8Array[]> => {
      const query = (async function* () {
        yield jsonFrame({ from, to });
      })();
      return (await all(handler!(query, good!, AbortSignal.timeout(120_000)))).flatMap(decodeEntries);
    };
    expect(await given(20, 29)).to.have.length(29);
    await store.orphanBlocks(1);
    await expectCode('tile-not-found', given(20, 29));
    await expectCode('tile-not-found', given(0, 21));
    expect((await given(0, 20)).slice(0, 20)).to.deep.equal(common.map(({ entry }) => entry));
  });
});
