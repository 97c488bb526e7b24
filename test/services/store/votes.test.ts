import { expect } from 'chai';
import type { BlockHeader } from '../../../services/core/block.ts';
import type { Store } from '../../../services/store/Store.ts';
import { snapshotDatabase } from '../../../services/store/snapshotDatabase.ts';
import { expectCode } from '../../support/expectCode.ts';
import { anchor, logAll, nextBlock, row, rows, zero } from './storeKit.ts';
import { onBothDatabases, storePlace } from './storePlace.ts';

onBothDatabases('votes that are not needed any more', (newPlace) => {
  it('go, and nothing else is signed in their slots, also after a restart', async () => {
    await using place = await newPlace();
    const store = await place.open();
    const blocks = [await logAll(store, rows(2), 1), await logAll(store, rows(2, 'more'), 3)];
    // What a stranger has anchored shows no signatures on chain: the others ask for ours.
    const { range: _, ...hidden } = await (async () => {
      await store.admit([row('hidden')]);
      return await nextBlock(store, 1, 5);
    })();
    async function* entries(): AsyncGenerator<Uint8Array[]> {
      yield [row('hidden').entry];
    }
    await store.importBlocks([{ ...hidden, signatures: [], anchor }], entries());
    const header = blocks[0]!.header as BlockHeader;
    for (const { header: of, hash } of blocks) await store.vote({ slot: of.slot, hash, header: of });
    await store.vote({ slot: 4, hash: zero, header });
    await store.vote({ slot: 5, hash: hidden.hash, header: hidden.header });
    await store.vote({ slot: 6, hash: zero, header });
    await store.pruneVotes(5);
    const known = async (of: Store): Promise<number[]> => {
      const slots = [1, 2, 3, 4, 5, 6];
      const found = await Promise.all(slots.map((slot) => of.voteOf(slot)));
      return slots.filter((_, at) => found[at]);
    };
    expect(await known(store)).to.deep.equal([5, 6]);
    await store.close();

    const again = await place.open();
    for (const slot of [1, 2, 3, 4]) {
      const error = await expectCode('vote-conflict', again.vote({ slot, hash: zero, header }));
      expect(error.data).to.deep.equal({ slot, have: null, want: zero });
    }
    await again.vote({ slot: 5, hash: hidden.hash, header: hidden.header });
    await expectCode('vote-conflict', again.vote({ slot: 5, hash: zero, header }));
    await again.vote({ slot: 7, hash: zero, header });
    // A later one cannot open them again.
    await again.pruneVotes(2);
    await expectCode('vote-conflict', again.vote({ slot: 4, hash: zero, header }));
    expect(await known(again)).to.deep.equal([5, 6]);
  });

  it('are known to be all until the database is another one', async () => {
    await using place = await newPlace();
    const store = await place.open();
    expect(await store.hasAllVotes()).to.equal(false);
    await store.closeVotes(9);
    await store.close();
    const again = await place.open();
    expect(await again.hasAllVotes()).to.equal(true);
    const { header } = await logAll(again, rows(1));
    await expectCode('vote-conflict', again.vote({ slot: 9, hash: zero, header }));
    await again.vote({ slot: 10, hash: zero, header });
  });
});

describe('a snapshot of a database', () => {
  it('does not claim to have the votes that the original goes on giving', async () => {
    await using place = await storePlace('sqlite');
    await using copy = await storePlace('sqlite');
    const store = await place.open();
    await store.closeVotes(9);
    snapshotDatabase(place.dataDir, `${copy.dataDir}/notarium.sqlite`);
    const restored = await copy.open();
    expect([await store.hasAllVotes(), await restored.hasAllVotes()]).to.deep.equal([true, false]);
    const { header } = await logAll(restored, rows(1));
    await expectCode('vote-conflict', restored.vote({ slot: 9, hash: zero, header }));
  });
});
