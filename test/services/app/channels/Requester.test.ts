import { expect } from 'chai';
import type { Requester } from '../../../../services/app/channels/Requester.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { ChannelStore } from '../../../../services/store/channels/ChannelStore.ts';
import { openChannelStore } from '../../../../services/store/channels/openChannelStore.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { itemOf, memoryChain, newRequester, newVerifier, throughWire } from './exchangeKit.ts';

/** What can fail between the verifier's answer and the own disk. */
const parts = ['the chain does not say its time', 'the bills of before cannot be read', 'they cannot be kept'] as const;

describe('Requester', () => {
  for (const what of parts) {
    it(`pays each once though bills come while ${what}`, async () => {
      await using folder = await temporaryFolder();
      const open = (who: string) => openChannelStore({ dataDir: `${folder.path}/${who}`, logger: silentLogger });
      const [mine, theirs] = [await open('requester'), await open('verifier')];
      let asked = 0;
      let fails = false;
      const once = async <T>(part: (typeof parts)[number], work: () => Promise<T>): Promise<T> => {
        if (!fails || part !== what) return await work();
        fails = false;
        throw new NotariumError('chain-unreachable');
      };
      const chain = memoryChain(1_000_000n);
      const store: ChannelStore = {
        ...mine,
        knownBills: (id, bills) => once('the bills of before cannot be read', () => mine.knownBills(id, bills)),
        save: (changes) => once('they cannot be kept', () => mine.save(changes)),
      };
      const verifier = newVerifier(theirs);
      const wire = throughWire(verifier, (call, when) => {
        if (call === 'bills' && when === 'after' && asked++ === 0) fails = true;
      });
      const requester: Requester = await newRequester(store, wire, {
        chain: { ...chain, timestamp: () => once('the chain does not say its time', () => chain.timestamp()) },
      });
      const refused = expectCode('evidence-refused', requester.preserve(itemOf(['refused'])));
      const preserved = await Promise.all(['a', 'b', 'c'].map((name) => requester.preserve(itemOf([name]))));
      await refused;
      expect(fails, 'it has failed').to.equal(false);
      expect(preserved.map(({ leafIndex }) => leafIndex).toSorted()).to.deep.equal([0, 1, 2]);
      const { evidenceCount, verifierBalance } = (await requester.closeTogether()).closing;
      expect([evidenceCount, verifierBalance]).to.deep.equal([3, 30n]);
      await requester.stop();
      await verifier.stop();
      await Promise.all([mine.close(), theirs.close()]);
    });
  }
});
