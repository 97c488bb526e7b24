import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import type { Hash } from '../../../services/core/bytes.ts';
import type { AdmissionOutcome, StoredOutcome } from '../../../services/store/AdmissionStore.ts';
import { alice, bob } from './storeKit.ts';
import { onBothDatabases } from './storePlace.ts';

const hash = (digit: string): Hash => `0x${digit.repeat(64)}` as const;

onBothDatabases('what an authenticator has found out', (place, engine) => {
  const outcome: AdmissionOutcome = {
    candidate: alice,
    network: '203.0.113.0/24',
    outcome: 'failed',
    purpose: 'join',
    code: 'answer-late',
    timeMs: 1_000,
    documentHash: hash('1'),
    document: '{"statement":"\\u0000 ✗"}',
    entry: '{}',
  };
  const { code: _, ...without } = outcome;
  const passed = { ...without, outcome: 'passed' as const };

  it('keeps outcomes, newest first, of one candidate or of all', async () => {
    await using at = await place();
    const store = await at.open();
    expect(await store.addOutcome(outcome, 0)).to.equal(1);
    expect(await store.addOutcome({ ...passed, candidate: bob, documentHash: hash('2') }, 0)).to.equal(2);
    expect(await store.addOutcome({ ...outcome, timeMs: 3_000, purpose: 'renewal' }, 0)).to.equal(3);
    await store.close();
    const again = await at.open();
    const first: StoredOutcome = { ...outcome, seq: 1, isRecorded: false };
    const third = { ...first, seq: 3, timeMs: 3_000, purpose: 'renewal' };
    const second = { ...passed, candidate: bob, documentHash: hash('2'), seq: 2, isRecorded: false };
    expect(await again.outcomes({ limit: 10 })).to.deep.equal([third, second, first]);
    expect(await again.outcomes({ candidate: alice, limit: 1 })).to.deep.equal([third]);
    expect(await again.outcomes({ candidate: alice, beforeSeq: 3, limit: 1 })).to.deep.equal([first]);
    expect(await again.outcomeOfDocument(hash('1'))).to.deep.equal(third);
    expect(await again.outcomeOfDocument(hash('3'))).to.equal(undefined);
    expect(await again.lastOutcome(alice, 'failed')).to.deep.equal(third);
    expect(await again.lastOutcome(alice, 'failed', 'join')).to.deep.equal(first);
    expect(await again.lastOutcome(alice, 'passed')).to.equal(undefined);
    expect(await again.lastOutcome(bob, 'passed')).to.deep.equal(second);
  });

  it('counts failures of a candidate, and of a network, since a moment', async () => {
    await using at = await place();
    const store = await at.open();
    for (const timeMs of [1_000, 2_000, 4_000]) await store.addOutcome({ ...outcome, timeMs }, 0);
    await store.addOutcome({ ...outcome, candidate: bob, timeMs: 3_000 }, 0);
    await store.addOutcome({ ...outcome, network: 'unknown', timeMs: 5_000 }, 0);
    await store.addOutcome({ ...passed, timeMs: 6_000 }, 0);
    expect(await store.failedAttempts({ candidate: alice }, 2_000, 9)).to.deep.equal([5_000, 4_000, 2_000]);
    expect(await store.failedAttempts({ network: outcome.network }, 0, 3)).to.deep.equal([4_000, 3_000, 2_000]);
  });

  it('lets go of what is old, but of nobody who has passed, and of nothing that the log has not', async () => {
    await using at = await place();
    const store = await at.open();
    await store.addOutcome({ ...passed, timeMs: 1 }, 0);
    await store.addOutcome({ ...passed, timeMs: 2 }, 0);
    await store.addOutcome({ ...outcome, timeMs: 3 }, 0);
    await store.addOutcome({ ...outcome, timeMs: 4 }, 0);
    for (const seq of [1, 2, 3]) await store.outcomeRecorded(seq);
    expect((await store.unrecordedOutcomes(9)).map(({ seq }) => seq)).to.deep.equal([4]);
    await store.addOutcome({ ...outcome, timeMs: 5 }, 5);
    expect((await store.outcomes({ limit: 9 })).map(({ seq }) => seq)).to.deep.equal([5, 4, 2]);
  });

  if (engine === 'sqlite') {
    // Strangers make outcomes, and each of them looks for what is old.
    it('finds what is old without reading the rest', async () => {
      await using at = await place();
      const store = await at.open();
      await store.close();
      const database = new DatabaseSync(join(at.dataDir, 'notarium.sqlite'));
      const plan = database.prepare('explain query plan delete from admission_outcomes where time_ms < 1').all();
      database.close();
      expect(plan.map(({ detail }) => detail)).to.deep.equal([
        'SEARCH admission_outcomes USING INDEX admission_outcomes_time (time_ms<?)',
      ]);
    });
  }

  it('keeps how centres stand, with the event that tells of it', async () => {
    await using at = await place();
    const store = await at.open();
    const standings = [
      { address: alice, sinceMs: 1_000 },
      { address: bob, sinceMs: 2_000, reason: 'late' },
    ];
    const event = { type: 'admission.below-minimum', time: '2026-11-21T00:00:00.000Z', data: { address: bob } };
    await store.saveCentreStandings(standings, { event });
    expect(await store.centreStandings()).to.deep.equal(standings);
    expect(await store.eventsAfter(0, 9)).to.deep.equal([{ seq: 1, ...event }]);
    await store.saveCentreStandings([]);
    expect(await store.centreStandings()).to.deep.equal([]);
  });
});
