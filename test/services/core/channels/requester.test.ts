import { expect } from 'chai';
import type { Bill } from '../../../../services/core/channels/bill.ts';
import { makeStatement } from '../../../../services/core/channels/party.ts';
import { stepRequester } from '../../../../services/core/channels/requester.ts';
import { maxAbandoned, maxQueued, versionsPerSecond } from '../../../../services/core/channels/requesterExchange.ts';
import type { RequesterMemory } from '../../../../services/core/channels/requesterMemory.ts';
import { viewOfRequester } from '../../../../services/core/channels/requesterMemory.ts';
import { maxLocks } from '../../../../services/core/channels/state.ts';
import type { FoldedBill } from '../../../../services/core/channels/update.ts';
import { viewOfVerifier } from '../../../../services/core/channels/verifierMemory.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { at, billKey, billOf, hashOf, mallory, safetySeconds } from './channelKit.ts';
import { Pair } from './pair.ts';

const kinds = (effects: readonly { kind: string }[]) => effects.map(({ kind }) => kind);
const verifierView = (pair: Pair) => viewOfVerifier(pair.parties.verifier, pair.verifier);

/** A lock that the verifier has signed and not confirmed. */
function unconfirmed(pair: Pair, name: string) {
  const billId = pair.bill(name);
  const update = pair.propose();
  const { signature } = pair.take(update);
  pair.r({ kind: 'answer', version: update.version, answer: { signature, disclosures: [] } });
  return billId;
}

describe('the requester of a channel', () => {
  it('takes bills on what it has asked for only', async () => {
    const pair = new Pair();
    const { verifier } = pair.parties;
    const take = (fields: Partial<Bill>, changes = {}) => {
      const signed = billOf(verifier, 'a', fields);
      const wanted = { digest: hashOf('a'), count: 1, maxAmount: 10n };
      return pair.r({ kind: 'bill', signed: { ...signed, ...changes }, wanted, now: at(1000) });
    };
    await expectCode('bill-mismatch', () => take({ digest: hashOf('b') }));
    await expectCode('bill-mismatch', () => take({ count: 2 }));
    await expectCode('bill-mismatch', () => take({ amount: 11n }));
    await expectCode('bill-mismatch', () => take({ expiry: 1000 + 2001 }));
    await expectCode('bill-mismatch', () => take({ channelId: hashOf('other') }));
    await expectCode('bill-mismatch', () => take({}, { signature: mallory.sign(new Uint8Array(32)) }));
    await expectCode('bill-mismatch', () => take({}, { signature: `0x${'00'.repeat(64)}` }));
    await expectCode('bill-expired', () => take({ expiry: 1000 + 2 * safetySeconds }));
    take({});
    await expectCode('bill-mismatch', () => take({}));
    const dear = billOf(verifier, 'dear', { amount: 991n });
    const wanted = { digest: hashOf('dear'), count: 1, maxAmount: 1000n };
    const short = await expectCode('channel-balance-short', () =>
      pair.r({ kind: 'bill', signed: dear, wanted, now: at(1000) }),
    );
    expect(short.data).to.deep.equal({ have: '990', want: '991' });
    for (let count = 1; count < maxQueued; count++) pair.bill(`bill ${count}`, 1n);
    await expectCode('channel-locks-full', () => pair.bill('one too many', 1n));
  });

  it('locks, is told, and pays with the next update: as many at once as a state can have', () => {
    const pair = new Pair();
    const billIds = Array.from({ length: maxLocks + 6 }, (_, index) => pair.bill(`bill ${index}`, 1n));
    pair.exchange();
    expect(pair.requester.ledger.locks).to.have.length(maxLocks);
    const effects = pair.exchange();
    expect(effects).to.deep.equal(
      billIds.slice(0, maxLocks).map((billId, leafIndex) => ({ kind: 'folded', billId, leafIndex })),
    );
    expect(pair.requester.ledger.locks.map(({ billId }) => billId)).to.deep.equal(billIds.slice(maxLocks));
    pair.exchange();
    expect(pair.r({ kind: 'propose', now: at(pair.time) })).to.deep.equal([]);
  });

  it('takes no wrong signature, key or statement for an answer', async () => {
    const pair = new Pair();
    const billIds = ['a', 'b', 'c'].map((name) => pair.bill(name));
    const update = pair.propose();
    const answer = pair.take(update);
    const { version } = update;
    const tell = (changes: Partial<typeof answer>, of = version) =>
      pair.r({ kind: 'answer', version: of, answer: { ...answer, ...changes } });
    await expectCode('channel-countersignature-invalid', () => tell({ signature: mallory.sign(new Uint8Array(32)) }));
    expect(tell({}, version + 1)).to.deep.equal([]);
    const [a, b, c] = answer.disclosures;
    const disclosures = [
      { ...a!, key: hashOf('x') },
      { ...b!, statement: a!.statement },
      { ...c!, billId: hashOf('x') },
    ];
    expect(tell({ disclosures })).to.deep.equal([
      { kind: 'unconfirmed', billId: billIds[0], code: 'bill-key-mismatch' },
      { kind: 'unconfirmed', billId: billIds[1], code: 'statement-invalid' },
    ]);
    expect(tell({})).to.deep.equal([]);
    expect(pair.r({ kind: 'propose', now: at(pair.time) })).to.deep.equal([]);
    // What the answer has not said, the view does.
    pair.r({ kind: 'view', view: verifierView(pair) });
    expect(pair.propose().folds.map(({ billId }) => billId)).to.deep.equal(billIds);
  });

  it('sends the same until it is answered, also after a start', () => {
    const pair = new Pair();
    pair.bill('a');
    const update = pair.propose();
    expect(pair.r({ kind: 'tick', now: at(pair.time) })).to.deep.equal([{ kind: 'update', update }]);
    expect(pair.r({ kind: 'resume', now: at(2000) })).to.deep.equal([{ kind: 'update', update }]);
    pair.r({ kind: 'answer', version: update.version, answer: pair.take(update) });
    expect(pair.propose().version).to.equal(2000 * versionsPerSecond + 1);
  });

  it('knows what a state that it had been refused has paid, when it is handed in all the same', () => {
    const pair = new Pair();
    const [a] = [pair.bill('a')];
    pair.exchange();
    const b = pair.bill('b');
    const { version } = pair.propose();
    const { keyHash } = pair.requester.bills.get(b)!.signed.bill;
    pair.r({ kind: 'refused', version, code: 'bill-expired', billId: b });
    const { channelId } = pair;
    pair.r({ kind: 'closing', channelId, version, deadline: 5000 });
    pair.r({ kind: 'revealed', keyHash, key: pair.parties.verifier.keyOf(b), at: 1500 });
    // The bill that it was refused for is a leaf all the same: without it nobody could rebuild the tree.
    const settled = { kind: 'settled', channelId, evidenceCount: 2 } as const;
    const { bills } = stepRequester(pair.parties.requester, pair.requester, settled);
    expect(bills.map(({ signed, state, leafIndex }) => [signed.bill.id, state, leafIndex])).to.deep.equal([
      [a, 'folded', 0],
      [b, 'folded', 1],
    ]);
    expect(pair.r(settled)).to.deep.equal([
      { kind: 'folded', billId: a, leafIndex: 0 },
      { kind: 'unconfirmed', billId: b, code: 'statement-invalid' },
    ]);
  });

  it('keeps a bill that was given up as long as a refused state has its lock, and proposes it no more', () => {
    const pair = new Pair();
    const [a, b] = [pair.bill('a'), pair.bill('b')];
    const refused = pair.propose();
    pair.r({ kind: 'refused', version: refused.version, code: 'bill-expired', billId: b });
    const next = pair.propose();
    expect(next.adds).to.deep.equal([a]);
    expect([...pair.requester.bills.keys()]).to.deep.equal([a, b]);
    const give = (update: typeof next) => {
      const step = stepRequester(pair.parties.requester, pair.requester, {
        ...{ kind: 'answer', version: update.version, answer: pair.take(update) },
      });
      pair.requester = step.memory;
      return step.bills.filter(({ state }) => state === 'gone').map(({ signed }) => signed.bill.id);
    };
    // A newer state is signed by both: the refused one is worth nothing any more.
    expect(give(next)).to.deep.equal([b]);
    expect([...pair.requester.bills.keys()]).to.deep.equal([a]);
  });

  it('pays for a bill that was given up where the verifier shows the refused state as signed', () => {
    const pair = new Pair();
    const b = pair.bill('b');
    const refused = pair.propose();
    pair.r({ kind: 'refused', version: refused.version, code: 'bill-expired', billId: b });
    expect(pair.requester.bills.get(b)).to.have.property('isGivenUp', true);
    pair.take(refused);
    pair.r({ kind: 'view', view: verifierView(pair) });
    expect(pair.requester.bills.get(b)).to.not.have.property('isGivenUp');
    expect(pair.exchange()).to.deep.equal([{ kind: 'folded', billId: b, leafIndex: 0 }]);
  });

  it('gives up what is refused, and the bill that is named', async () => {
    const pair = new Pair();
    const [a, b] = [pair.bill('a'), pair.bill('b')];
    const { version } = pair.propose();
    const refuse = (of: number, billId?: typeof a) =>
      pair.r({ kind: 'refused', version: of, code: 'bill-unknown', ...(billId ? { billId } : {}) });
    expect(refuse(version + 1)).to.deep.equal([]);
    expect(refuse(version, a)).to.deep.equal([{ kind: 'failed', billId: a, code: 'bill-unknown' }]);
    const next = pair.propose();
    expect([next.version, next.adds]).to.deep.equal([version + 1, [b]]);
    for (let count = 1; count < maxAbandoned; count++) {
      if (count > 1) pair.propose();
      refuse(version + count);
    }
    await expectCode('channel-state', () => pair.propose());
  });

  it('settles a refused state that the verifier has signed all the same', () => {
    const pair = new Pair();
    const billId = pair.bill('a');
    const { version } = pair.propose();
    pair.r({ kind: 'refused', version, code: 'channel-invalid' });
    const { channelId } = pair;
    expect(pair.r({ kind: 'closing', channelId, version, deadline: 2500 })).to.deep.equal([]);
    const { keyHash } = pair.requester.bills.get(billId)!.signed.bill;
    pair.r({ kind: 'revealed', keyHash, key: pair.parties.verifier.keyOf(billId), at: 1500 });
    expect(pair.r({ kind: 'tick', now: at(2500) })).to.deep.equal([]);
    const [settle] = pair.r({ kind: 'tick', now: at(2501) });
    expect(settle?.kind === 'settle' && settle.settlement.locks.map((lock) => lock.billId)).to.deep.equal([billId]);
    expect(pair.r({ kind: 'settled', channelId, evidenceCount: 1 })).to.deep.equal([
      { kind: 'unconfirmed', billId, code: 'statement-invalid' },
    ]);
    expect(pair.r({ kind: 'settled', channelId, evidenceCount: 1 })).to.deep.equal([]);
  });

  it('drops a lock whose key is withheld once it has expired, unless the key was public in time', () => {
    const pair = new Pair();
    const billId = unconfirmed(pair, 'a');
    pair.time = 2000 + 2 * safetySeconds;
    expect(pair.r({ kind: 'propose', now: at(pair.time) })).to.deep.equal([]);
    const before = pair.requester;
    const { keyHash } = pair.requester.bills.get(billId)!.signed.bill;
    pair.r({ kind: 'revealed', keyHash, key: pair.parties.verifier.keyOf(billId), at: 2000 });
    pair.time++;
    expect(pair.r({ kind: 'propose', now: at(pair.time) })).to.deep.equal([]);
    pair.requester = before;
    expect(pair.exchange()).to.deep.equal([{ kind: 'failed', billId, code: 'bill-expired' }]);
    expect(pair.requester.ledger.locks).to.deep.equal([]);
  });

  it('drops a lock that the verifier gives up, and lets late bills go', () => {
    const pair = new Pair();
    const billId = unconfirmed(pair, 'a');
    const late = pair.bill('late');
    pair.v({ kind: 'cancel', billId });
    pair.r({ kind: 'view', view: { ...verifierView(pair), disclosures: [] } });
    pair.time = 1000 + 1000 - 2 * safetySeconds;
    const effects = pair.r({ kind: 'propose', now: at(pair.time) });
    expect(effects[0]).to.deep.equal({ kind: 'failed', billId: late, code: 'bill-expired' });
    expect(effects[1]?.kind === 'update' && effects[1].update.drops).to.deep.equal([billId]);
  });

  it('says what was paid in, and never less than before', () => {
    const pair = new Pair();
    const { channelId } = pair;
    const deposited = { kind: 'deposited', channelId, held: 1500n } as const;
    pair.r(deposited);
    pair.v(deposited);
    pair.exchange();
    expect(pair.requester.ledger.held).to.equal(1500n);
    pair.r({ ...deposited, held: 1000n });
    pair.bill('a');
    expect(pair.propose().held).to.equal(1500n);
  });

  it('closes together: nothing is signed after the closing', async () => {
    const pair = new Pair();
    pair.bill('a');
    pair.exchange();
    await expectCode('channel-state', () => pair.r({ kind: 'end' }));
    pair.exchange();
    const late = pair.bill('late');
    const [failed, close] = pair.r({ kind: 'end' });
    expect(failed).to.deep.equal({ kind: 'failed', billId: late, code: 'channel-state' });
    if (close?.kind !== 'close') throw new Error('no closing');
    expect(pair.r({ kind: 'tick', now: at(1000) })).to.deep.equal([close]);
    await expectCode('channel-state', () => pair.r({ kind: 'propose', now: at(1000) }));
    const wrong = { signature: mallory.sign(new Uint8Array(32)) };
    await expectCode('channel-countersignature-invalid', () => pair.r({ kind: 'closeAnswer', answer: wrong }));
    const [answer] = pair.v({ kind: 'close', request: close.request, now: at(1000) });
    if (answer?.kind !== 'closeAnswer') throw new Error('no answer');
    // The answer was lost: the view has the closing too.
    const other = pair.requester;
    expect(kinds(pair.r(answer))).to.deep.equal(['closeTogether']);
    expect(kinds(pair.r({ kind: 'tick', now: at(1000) }))).to.deep.equal(['closeTogether']);
    pair.requester = other;
    expect(kinds(pair.r({ kind: 'view', view: verifierView(pair) }))).to.deep.equal(['closeTogether']);
    expect(pair.r(answer)).to.deep.equal([]);
  });

  it('goes on from what the verifier shows: its own proposal, or a state that it has forgotten', () => {
    const pair = new Pair();
    const billId = pair.bill('a');
    const start = pair.requester;
    const update = pair.propose();
    const proposed = pair.requester;
    pair.take(update);
    pair.r({ kind: 'view', view: verifierView(pair) });
    expect(pair.requester.state).to.equal('open');
    const folding = pair.propose();
    expect(folding.folds.map((fold) => fold.billId)).to.deep.equal([billId]);
    const show = (memory: RequesterMemory) => {
      pair.requester = memory;
      return pair.r({ kind: 'view', view: verifierView(pair) });
    };
    const { version } = update;
    expect(show(start)).to.deep.equal([{ kind: 'stale', version }]);
    // Refused, its bill forgotten, and signed all the same.
    pair.requester = proposed;
    pair.r({ kind: 'refused', version, code: 'bill-unknown', billId });
    expect(show(pair.requester)).to.deep.equal([]);
    expect(pair.propose().folds.map((fold) => fold.billId)).to.deep.equal([billId]);
    expect(viewOfRequester(pair.parties.requester, pair.requester).locks).to.have.length(1);
    // What had begun goes on: with an open lock it can only close alone.
    pair.requester = start;
    pair.r({ kind: 'end' });
    expect(kinds(show(pair.requester))).to.deep.equal(['stale', 'startClosing']);
    pair.requester = start;
    pair.r({ kind: 'leave' });
    expect(kinds(show(pair.requester))).to.deep.equal(['stale']);
    expect(pair.requester.state).to.equal('leaving');
  });

  it('takes bills back that it has lost, and none whose lock is open', async () => {
    const pair = new Pair();
    const [paid, open] = [pair.bill('paid'), pair.bill('open')];
    const { verifier, requester } = pair.parties;
    const back = (name: string, leafIndex = 0): FoldedBill => {
      const signed = billOf(verifier, name, { expiry: 2000 });
      const statement = (party: typeof verifier | typeof requester, role: 'verifier' | 'requester') =>
        makeStatement(party, signed.bill, role, '');
      const [first, second] = [statement(verifier, 'verifier'), statement(requester, 'requester')];
      return { leafIndex, signed, key: billKey(pair.channelId, signed.bill.id), first, second };
    };
    const step = stepRequester(requester, pair.requester, { kind: 'recovered', bills: [back('paid')] });
    expect([...step.memory.bills.keys()]).to.deep.equal([open]);
    expect(step.bills).to.deep.equal([{ ...back('paid'), state: 'folded' }]);
    pair.exchange();
    const both = [back('other'), back('open', 1)];
    await expectCode('channel-evidence-mismatch', () => pair.r({ kind: 'recovered', bills: both }));
    expect([...pair.requester.bills.keys()]).to.deep.equal([paid, open]);
  });

  it('shows a newer state than the verifier has', () => {
    const pair = new Pair();
    const old = verifierView(pair);
    pair.bill('a');
    pair.exchange();
    const [show] = pair.r({ kind: 'view', view: old });
    expect(show?.kind === 'show' && show.view.latest?.state.version).to.equal(pair.requester.ledger.version);
  });

  it('closes alone, and answers an old state with the newest one', async () => {
    const pair = new Pair();
    pair.bill('a');
    pair.exchange();
    const { latest } = pair.requester;
    expect(pair.r({ kind: 'leave' })).to.deep.equal([{ kind: 'startClosing', latest }]);
    expect(pair.r({ kind: 'tick', now: at(1000) })).to.deep.equal([{ kind: 'startClosing', latest }]);
    const { channelId } = pair;
    pair.r({ kind: 'closing', channelId, version: 0, deadline: 2500 });
    expect(pair.r({ kind: 'tick', now: at(2500) })).to.deep.equal([{ kind: 'challenge', latest }]);
    expect(pair.r({ kind: 'reopened', channelId })).to.deep.equal([{ kind: 'startClosing', latest }]);
    expect(pair.r({ kind: 'closing', channelId, version: 9, deadline: 2500 })).to.deep.equal([
      { kind: 'stale', version: 9 },
    ]);
    expect(pair.r({ kind: 'tick', now: at(2501) })).to.deep.equal([]);
    await expectCode('channel-state', () => pair.r({ kind: 'leave' }));
    await expectCode('channel-state', () => pair.r({ kind: 'end' }));
  });

  it('keeps two channels between the same two apart', async () => {
    const [one, two] = [new Pair(1n), new Pair(2n)];
    one.bill('a');
    two.bill('a');
    const update = one.propose();
    two.propose();
    await expectCode('channel-invalid', () => two.take(update));
    await expectCode('channel-update-invalid', () => two.take({ ...update, channelId: two.channelId }));
    const answer = one.take(update);
    await expectCode('channel-countersignature-invalid', () =>
      two.r({ kind: 'answer', version: update.version, answer }),
    );
    const view = { ...verifierView(one), channelId: two.channelId };
    await expectCode('channel-countersignature-invalid', () => two.r({ kind: 'view', view }));
  });
});
