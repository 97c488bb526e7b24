import { expect } from 'chai';
import { closingOf } from '../../../../services/core/channels/ledger.ts';
import { viewOfRequester } from '../../../../services/core/channels/requesterMemory.ts';
import { closeDigest } from '../../../../services/core/channels/state.ts';
import type { CloseRequest } from '../../../../services/core/channels/update.ts';
import { verifierDueAt } from '../../../../services/core/channels/verifierChain.ts';
import { maxOffered } from '../../../../services/core/channels/verifierExchange.ts';
import { viewOfVerifier, viewToKeep } from '../../../../services/core/channels/verifierMemory.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { alice, at, billOf, hashOf, mallory, network, safetySeconds } from './channelKit.ts';
import { Pair } from './pair.ts';

const closeRequest = (pair: Pair, signer = alice): CloseRequest => {
  const closing = closingOf(pair.verifier.ledger);
  const signature = signer.sign(closeDigest(network, pair.channelId, closing));
  return { channelId: pair.channelId, version: pair.verifier.ledger.version, closing, signature };
};

describe('the verifier of a channel', () => {
  it('countersigns, confirms, and answers the same update the same', () => {
    const pair = new Pair();
    const billId = pair.bill('a');
    const update = pair.propose();
    const answer = pair.take(update);
    expect(answer.disclosures.map((each) => each.billId)).to.deep.equal([billId]);
    expect(pair.take(update)).to.deep.equal(answer);
    // Also once it is closing.
    pair.v({ kind: 'leave' });
    expect(pair.take(update)).to.deep.equal(answer);
  });

  it('refuses what does not follow from its newest state', async () => {
    const pair = new Pair();
    pair.bill('a');
    const update = pair.propose();
    const refused = (changes: Partial<typeof update>, time = pair.time) =>
      pair.v({ kind: 'update', update: { ...update, ...changes }, now: at(time) });
    await expectCode('channel-invalid', () => refused({ channelId: hashOf('other') }));
    const stale = await expectCode('channel-base-stale', () => refused({ baseVersion: 5 }));
    expect(stale.data).to.deep.equal({ version: 0 });
    await expectCode('channel-invalid', () => refused({ held: 1001n }));
    await expectCode('bill-unknown', () => refused({ adds: [hashOf('x')] }));
    await expectCode('bill-unknown', () => refused({ drops: [hashOf('x')] }));
    await expectCode('bill-expired', () => refused({}, 2000 - safetySeconds));
    await expectCode('channel-update-invalid', () => refused({ version: update.version + 1 }));
    await expectCode('channel-update-invalid', () => refused({ signature: mallory.sign(new Uint8Array(32)) }));
    await expectCode('channel-update-invalid', () => refused({ adds: [] }));
    expect(pair.verifier.ledger.version).to.equal(0);
  });

  it('takes folds with a second statement only', async () => {
    const pair = new Pair();
    pair.bill('a');
    pair.exchange();
    const update = pair.propose();
    const [fold] = update.folds;
    const folds = [{ ...fold!, statement: { ...fold!.statement, role: 'verifier' as const } }];
    await expectCode('statement-invalid', () => pair.take({ ...update, folds }));
    pair.take(update);
    expect([pair.verifier.ledger.verifierBalance, pair.verifier.ledger.evidence.size]).to.deep.equal([10n, 1]);
  });

  it('lets a lock go once it has expired, or was cancelled, and not if its key was public in time', async () => {
    for (const how of ['early', 'expired', 'cancelled', 'revealed'] as const) {
      const pair = new Pair();
      const billId = pair.bill('a');
      const added = pair.propose();
      pair.take(added);
      // The answer comes without a confirmation: the requester waits, and drops.
      const { signature } = pair.take(added);
      pair.r({ kind: 'answer', version: added.version, answer: { signature, disclosures: [] } });
      pair.time = 2000 + 2 * safetySeconds + 1;
      const { drops, ...update } = pair.propose();
      expect(drops).to.deep.equal([billId]);
      const { keyHash } = pair.requester.bills.get(billId)!.signed.bill;
      if (how === 'cancelled') pair.v({ kind: 'cancel', billId });
      if (how === 'revealed') pair.v({ kind: 'revealed', keyHash, key: hashOf('any'), at: 2000 });
      if (how === 'early' || how === 'cancelled') pair.time = 2000;
      const take = () => pair.take({ ...update, drops });
      if (how === 'early' || how === 'revealed') await expectCode('channel-update-invalid', take);
      else expect(take().disclosures).to.deep.equal([]);
    }
  });

  it('gives a bill up, and forgets the oldest where too many wait', async () => {
    const pair = new Pair();
    const billId = pair.bill('a');
    pair.v({ kind: 'cancel', billId });
    await expectCode('bill-unknown', () => pair.v({ kind: 'cancel', billId }));
    await expectCode('bill-unknown', () => pair.take(pair.propose()));
    for (let count = 0; count <= maxOffered; count++)
      pair.v({ kind: 'offer', offer: { signed: billOf(pair.parties.verifier, `bill ${count}`) } });
    expect(pair.verifier.offered.size).to.equal(maxOffered);
    expect(pair.verifier.offered.has(hashOf('bill bill 0'))).to.equal(false);
  });

  it('agrees to close without open locks, and signs no state after it', async () => {
    const pair = new Pair();
    pair.bill('a');
    const locked = pair.propose();
    pair.r({ kind: 'answer', version: locked.version, answer: pair.take(locked) });
    const close = (request: CloseRequest) => pair.v({ kind: 'close', request, now: at(1000) });
    await expectCode('channel-state', () =>
      close({ ...closeRequest(new Pair()), version: locked.version, channelId: pair.channelId }),
    );
    pair.exchange();
    const request = closeRequest(pair);
    await expectCode('channel-invalid', () => close({ ...request, channelId: hashOf('x') }));
    await expectCode('channel-base-stale', () => close({ ...request, version: 1 }));
    const less = { ...request.closing, verifierBalance: 0n };
    await expectCode('channel-update-invalid', () => close({ ...request, closing: less }));
    await expectCode('channel-update-invalid', () => close(closeRequest(pair, mallory)));
    const [answer] = close(request);
    expect(close(request)).to.deep.equal([answer]);
    await expectCode('channel-state', () => close({ ...request, signature: mallory.sign(new Uint8Array(32)) }));
    await expectCode('channel-state', () => pair.bill('b'));
    expect(verifierDueAt(pair.parties.verifier, pair.verifier, 0)).to.equal(1000 + safetySeconds);
    expect(pair.v({ kind: 'tick', now: at(1001) })).to.deep.equal([]);
    const [effect] = pair.v({ kind: 'tick', now: at(1000 + safetySeconds) });
    expect(effect?.kind).to.equal('closeTogether');
  });

  it('makes a key public before its lock expires, closes, challenges and settles', () => {
    const pair = new Pair();
    const billId = pair.bill('a');
    const update = pair.propose();
    pair.take(update);
    const { verifier } = pair.parties;
    expect(verifierDueAt(verifier, pair.verifier, 1000)).to.equal(2000 - safetySeconds);
    expect(verifierDueAt(verifier, pair.verifier, 2000 + safetySeconds + 1)).to.equal(undefined);
    expect(pair.v({ kind: 'tick', now: at(2000 - safetySeconds - 1) })).to.deep.equal([]);
    const kinds = (time: number) => pair.v({ kind: 'tick', now: at(time) }).map(({ kind }) => kind);
    expect(kinds(2000 - safetySeconds)).to.deep.equal(['reveal', 'startClosing']);
    expect(pair.verifier.state).to.equal('leaving');
    expect(kinds(2000 - safetySeconds)).to.deep.equal(['reveal', 'startClosing']);
    // The requester was faster, with the state that nobody has signed.
    const { channelId } = pair;
    pair.v({ kind: 'closing', channelId, version: 0, deadline: 2500 });
    expect(kinds(1950)).to.deep.equal(['challenge', 'reveal']);
    pair.v({ kind: 'closing', channelId, version: 1, deadline: 2500 });
    pair.v({ kind: 'closing', channelId, version: 0, deadline: 2500 });
    const { keyHash } = pair.verifier.ledger.locks[0]!;
    pair.v({ kind: 'revealed', keyHash, key: verifier.keyOf(billId), at: 1960 });
    expect(kinds(1961)).to.deep.equal([]);
    expect(kinds(2501)).to.deep.equal(['settle']);
    pair.v({ kind: 'settled', channelId, evidenceCount: 1 });
    expect(pair.verifier.state).to.equal('settled');
    expect(pair.v({ kind: 'closing', channelId, version: 1, deadline: 9 })).to.deep.equal([]);
    expect(kinds(3000)).to.deep.equal([]);
  });

  it('begins to close again when a reorganisation has taken the closing away', () => {
    const pair = new Pair();
    const { channelId } = pair;
    expect(pair.v({ kind: 'reopened', channelId })).to.deep.equal([]);
    pair.v({ kind: 'closing', channelId, version: 0, deadline: 2500 });
    expect(pair.v({ kind: 'reopened', channelId })).to.deep.equal([{ kind: 'startClosing', latest: undefined }]);
    expect(pair.v({ kind: 'closing', channelId, version: 7, deadline: 2600 })).to.deep.equal([
      { kind: 'stale', version: 7 },
    ]);
  });

  it('goes on from a newer state that the requester shows, and from no other', async () => {
    const pair = new Pair();
    pair.bill('a');
    pair.exchange();
    const old = pair.verifier;
    pair.bill('b');
    pair.exchange();
    const view = viewOfRequester(pair.parties.requester, pair.requester);
    const newer = viewOfVerifier(pair.parties.verifier, pair.verifier);
    pair.verifier = old;
    const show = (changes: Partial<typeof view>) => pair.v({ kind: 'view', view: { ...view, ...changes } });
    await expectCode('channel-invalid', () => show({ channelId: hashOf('x') }));
    const forged = mallory.sign(new Uint8Array(32));
    for (const side of ['requesterSignature', 'verifierSignature'])
      await expectCode('channel-countersignature-invalid', () => show({ latest: { ...view.latest!, [side]: forged } }));
    await expectCode('channel-update-invalid', () => show({ locks: [] }));
    await expectCode('channel-update-invalid', () => show({ peaks: [] }));
    const [lock] = view.locks;
    await expectCode('bill-mismatch', () => show({ locks: [{ ...lock!, bill: { ...lock!.bill, count: 2 } }] }));
    expect(show({ latest: null })).to.deep.equal([]);
    expect(show({})).to.deep.equal([{ kind: 'stale', version: view.latest!.state.version }]);
    expect(viewOfVerifier(pair.parties.verifier, pair.verifier)).to.deep.equal(newer);
  });

  it('remembers a closing that it has signed and forgotten, and signs no state after it', async () => {
    const pair = new Pair();
    pair.bill('a');
    pair.exchange();
    const old = pair.verifier;
    pair.exchange();
    const between = pair.verifier;
    pair.v({ kind: 'close', request: closeRequest(pair), now: at(1000) });
    const view = viewToKeep(pair.parties.verifier, pair.verifier);
    expect(view.disclosures).to.deep.equal([]);
    const agreed = pair.verifier;
    for (const memory of [old, between]) {
      pair.verifier = memory;
      const forged = { ...view.closing!, requesterSignature: mallory.sign(new Uint8Array(32)) };
      await expectCode('channel-countersignature-invalid', () =>
        pair.v({ kind: 'view', view: { ...view, closing: forged } }),
      );
      expect(pair.verifier).to.equal(memory);
      pair.v({ kind: 'view', view });
      expect(pair.verifier).to.deep.include({ state: 'agreed', ledger: agreed.ledger, latest: agreed.latest });
      await expectCode('channel-state', () => pair.bill('b'));
      // It does not know for how long the requester has had it.
      expect(pair.v({ kind: 'tick', now: at(1000) }).map(({ kind }) => kind)).to.deep.equal(['closeTogether']);
    }
  });

  it('refuses the events that do not fit the state', async () => {
    const pair = new Pair();
    pair.v({ kind: 'leave' });
    await expectCode('channel-state', () =>
      pair.v({ kind: 'offer', offer: { signed: billOf(pair.parties.verifier, 'a') } }),
    );
    await expectCode('channel-state', () => pair.v({ kind: 'close', request: closeRequest(pair), now: at(1) }));
    pair.v({ kind: 'settled', channelId: pair.channelId, evidenceCount: 0 });
    await expectCode('channel-state', () => pair.v({ kind: 'leave' }));
    await expectCode('channel-state', () => pair.v({ kind: 'cancel', billId: hashOf('a') }));
  });
});
