import { expect } from 'chai';
import type { CentreParts } from '../../../services/app/CentreParts.ts';
import { checkLines } from '../../../services/app/checkLines.ts';
import { Intake } from '../../../services/app/Intake.ts';
import { recordView } from '../../../services/app/views.ts';
import { checkAcceptance } from '../../../services/core/acceptance.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { slotAt } from '../../../services/core/committee.ts';
import { systemClock } from '../../../services/lib/clock.ts';
import { localSigner } from '../../../services/lib/localSigner.ts';
import { silentLogger } from '../../../services/lib/logger.ts';
import { crypto, randomSigner, signedRecord, textOf } from '../../support/recordKit.ts';
import { network } from '../core/receiptKit.ts';
import { onBothDatabases } from '../store/storePlace.ts';

onBothDatabases('promises that nobody wanted to have signed', (newPlace) => {
  const key = new Uint8Array(32).fill(7);
  const signer = localSigner(key, crypto);
  const submitter = randomSigner();

  it('hold and are watched like any other, and are signed when asked for; of mixed lines only those wanted are', async () => {
    await using place = await newPlace();
    const store = await place.open();
    const tasks: { signs: boolean; count: number }[] = [];
    let signatures = 0;
    const intake = new Intake({
      store,
      workers: {
        threadCount: 1,
        async check({ lines, signs, nowMs, promise }) {
          tasks.push({ signs, count: lines.length });
          const sign = (digest: Uint8Array): Uint8Array => {
            signatures++;
            return crypto.sign(digest, key);
          };
          return checkLines(lines, { network, crypto, sign: signs ? sign : undefined, nowMs, promise });
        },
      },
      network,
      signer,
      clock: systemClock,
      logger: silentLogger,
      periodSeconds: 2,
      promiseSlots: 3,
      poolLimit: 100,
      othersPoolPart: 1,
      peerPoolPart: 1,
    });
    const records = await Promise.all(
      Array.from({ length: 6 }, (_, index) => signedRecord(network, submitter, `record ${index}`)),
    );
    const texts = records.map(textOf);
    const [brief, whole, briefAgain] = await Promise.all([
      intake.acceptBriefly([texts[0]!, 'nonsense', texts[1]!]),
      intake.accept([texts[2]!, texts[3]!]),
      intake.acceptBriefly([texts[4]!, texts[3]!]),
    ]);
    const accepted = (index: number) => ({ status: 'accepted', id: records[index]!.id });
    expect([brief[0], brief[2]]).to.deep.equal([accepted(0), accepted(1)]);
    expect(brief[1]).to.include({ status: 'failed' });
    expect(briefAgain).to.deep.equal([accepted(4), { status: 'known', id: records[3]!.id }]);
    for (const result of whole) {
      if (result.status !== 'accepted') throw new Error(result.status);
      checkAcceptance(network, result.acceptance, crypto);
    }
    expect(signatures).to.equal(2);
    expect(tasks.every(({ signs, count }) => (signs ? count <= 2 : count <= 3))).to.equal(true);

    const [known] = await intake.accept([texts[0]!]);
    if (known?.status !== 'known') throw new Error(known?.status);
    checkAcceptance(network, known.acceptance, crypto);
    const parts = {
      ...{ store, signer, network, clock: systemClock },
      ...{ periodSeconds: 2, settings: { promiseSlots: 3 } },
    } as unknown as CentreParts;
    expect((await recordView(parts, records[0]!.id))!.acceptance).to.deep.equal(known.acceptance);

    // What came from another centre is watched as soon as a client has our word for it, however it asks.
    const others = await Promise.all(['one', 'two', 'three'].map((text) => signedRecord(network, submitter, text)));
    const promise = { acceptedAt: 1, includeBySlot: 1 };
    const checked = checkLines(others.map(textOf), {
      network,
      crypto,
      sign: undefined,
      nowMs: Date.now(),
      promise,
    }).checked;
    await store.admit(
      checked.map(({ index: _, acceptance: __, ...rest }) => ({ ...rest, ...promise, acceptance: new Uint8Array(0) })),
    );
    expect(await store.overdue(2, 10)).to.deep.equal([]);
    // The slot by which it was to be sealed may be over: the promise counts from when it is given, and stays what it was.
    const slot = slotAt(Date.now(), 2);
    const { acceptance: late } = (await recordView(parts, others[0]!.id))!;
    const [posted] = await intake.accept([textOf(others[1]!)]);
    if (posted?.status !== 'known') throw new Error(posted?.status);
    for (const each of [late!, posted.acceptance]) {
      checkAcceptance(network, each, crypto);
      expect(each.includeBySlot).to.be.within(slot + 3, slotAt(Date.now(), 2) + 3);
    }
    expect((await recordView(parts, others[0]!.id))!.acceptance).to.deep.equal(late);
    expect(await intake.accept([textOf(others[1]!)])).to.deep.equal([posted]);
    await intake.acceptBriefly([textOf(others[2]!)]);
    const last = Math.max(late!.includeBySlot, posted.acceptance.includeBySlot, known.acceptance.includeBySlot);
    const overdue = (await store.overdue(last + 1, 10)).map(toHex);
    expect(overdue)
      .to.have.length(5 + 2)
      .and.to.include.members([others[0]!.id, others[1]!.id]);
    expect(overdue).not.to.include(others[2]!.id);
    await intake.close();
  });
});
