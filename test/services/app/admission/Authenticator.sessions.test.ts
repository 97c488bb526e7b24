import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Check } from '../../../../services/core/admission/packet.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type JoinOptions, type KitCandidate, type Lie, noWork } from './admissionKit.ts';
import { freshDesks } from './freshDesks.ts';

const nonsense: Hash = `0x${'77'.repeat(32)}` as const;

describe('sessions and failures at an authenticator', () => {
  const desks = freshDesks();
  const { fresh } = desks;

  const failing = (code: ErrorCode, candidate: KitCandidate, options: JoinOptions) =>
    expectCode(code, candidate.join(desks.kit.desks[0]!, options));
  const only =
    (check: Check, values: (right: readonly Hash[]) => readonly Hash[]): Lie =>
    (packet, right) =>
      packet.check === check ? values(right) : right;

  it('leaves one session to a candidate; a new one ends the old, and that does not count', async () => {
    const desk = await fresh();
    const candidate = await desks.kit.candidate(5);
    const first = await candidate.begin(desk);
    const second = await candidate.begin(desk);
    await expectCode('session-unknown', desk.desk.answer(first.session, JSON.stringify(candidate.work(first.packet))));
    await desk.desk.answer(second.session, JSON.stringify(candidate.work(second.packet)));
    expect(await desk.store.outcomes({ limit: 1 })).to.deep.equal([]);
  });

  it('lets nobody hold places by beginning anew', async () => {
    const desk = await fresh({ admission: noWork });
    const candidate = await desks.kit.candidate(5);
    for (let count = 0; count <= 20; count++) await candidate.begin(desk);
    const { data } = await expectCode('admission-throttled', candidate.begin(desk));
    expect(data.retryAfterSeconds).to.be.within(1, 5);
    await (await desks.kit.candidate(6)).begin(desk, { caller: '198.51.100.7' });
    desk.ahead.ms += 5_000;
    await candidate.begin(desk);
  });

  it('counts a session that is given up for another one after work was given out in it', async () => {
    const desk = await fresh({ admission: { ...noWork, minHashesPerSecond: 1_000 } });
    const candidate = await desks.kit.candidate(5);
    const { session, packet } = await candidate.begin(desk);
    await desk.desk.answer(session, JSON.stringify(candidate.work(packet)));
    await candidate.begin(desk);
    const [outcome] = await until('it is kept', async () => {
      const all = await desk.store.outcomes({ limit: 2 });
      return all.length > 0 && all;
    });
    expect(outcome).to.include({ candidate: candidate.address, code: 'answer-incomplete', outcome: 'failed' });
    await expectCode('admission-throttled', candidate.begin(desk));
  });

  it('counts a wrong answer also where its session was ended while it was checked', async () => {
    const desk = await fresh({ admission: { ...noWork, memoryMiB: 128, minMemoryPassesPerMinute: 60 } });
    const candidate = await desks.kit.candidate(5);
    const { session, packet } = await candidate.begin(desk);
    await desk.desk.answer(session, JSON.stringify(candidate.work(packet)));
    const values = Array.from({ length: 8 }, () => nonsense);
    const checked = expectCode('session-unknown', desk.desk.answer(session, JSON.stringify({ index: 1, values })));
    await candidate.begin(desk);
    expect(await desk.store.outcomes({ limit: 2 }), 'still checked').to.deep.equal([]);
    await checked;
    const [outcome] = await desk.store.outcomes({ limit: 2 });
    expect(outcome).to.include({ candidate: candidate.address, code: 'answer-wrong', outcome: 'failed' });
  });

  it('leaves a session to the newest request of its candidate, whoever sends an older one', async () => {
    const desk = await fresh({ admission: noWork });
    const candidate = await desks.kit.candidate(5);
    const time = new Date(Date.now() - 60_000).toISOString();
    const older = await candidate.signed(candidate.request(desk.parts.signer.address, { time }));
    const { session, packet } = await candidate.begin(desk);
    const { data } = await expectCode('join-invalid', desk.desk.begin(older, '198.51.100.7'));
    expect(data.field).to.equal('request.time');
    await desk.desk.answer(session, JSON.stringify(candidate.work(packet)));
  });

  it('counts bad requests also where many come at once', async () => {
    const desk = await fresh({ admission: noWork });
    const all = await Promise.allSettled(Array.from({ length: 30 }, () => desk.desk.begin('{', '198.51.100.1')));
    const codes = all.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'taken'));
    expect(codes.filter((code) => code === 'json-malformed')).to.have.lengthOf(20);
    expect(codes.filter((code) => code === 'admission-throttled')).to.have.lengthOf(10);
  });

  it('begins anew after a restart, and lets who has failed wait all the same', async () => {
    const desk = await fresh();
    const candidate = await desks.kit.candidate(5);
    const { session, packet } = await candidate.begin(desk);
    await desk.restart();
    await expectCode('session-unknown', desk.desk.answer(session, JSON.stringify(candidate.work(packet))));
    const unproven: JoinOptions = { lie: only('manifest', () => [nonsense]) };
    const { data } = await failing('manifest-unproven', candidate, unproven);
    await desk.restart();
    const again = await failing('admission-throttled', candidate, {});
    expect(again.data).to.include({ retryAt: data.retryAt });
    expect(again.data.retryAfterSeconds).to.be.within(1, 30);
    // From the same network nobody, from another one any other.
    await failing('admission-throttled', await desks.kit.candidate(6), { caller: '203.0.113.200' });
    await (await desks.kit.candidate(6)).begin(desk, { caller: '198.51.100.7' });
    await failing('admission-throttled', candidate, { caller: '198.51.100.7' });
    await desk.restart({ firstWaitMs: 0 });
    await candidate.begin(desk);
  });

  it('lets a candidate wait twice as long after each failure, and until tomorrow after so many', async () => {
    const desk = await fresh({ admission: noWork, settings: { firstWaitMs: 0 } });
    const candidate = await desks.kit.candidate(5);
    const unproven: JoinOptions = { lie: () => [nonsense] };
    const waits: number[] = [];
    for (let count = 1; count <= 10; count++) {
      await failing('manifest-unproven', candidate, unproven);
      await desk.restart({ firstWaitMs: 30_000 });
      const { data } = await failing('admission-throttled', candidate, {});
      waits.push(Number(data.retryAfterSeconds));
      await desk.restart({ firstWaitMs: 0 });
    }
    for (let count = 1; count <= 9; count++) {
      expect(waits[count - 1]).to.be.within(30 * 2 ** (count - 1) - 10, 30 * 2 ** (count - 1));
    }
    expect(waits[9]).to.be.within(86_400 - 60, 86_400);
    await failing('admission-throttled', candidate, {});
  });

  it('lets nobody wait for failures of a time that is still to come, since the clock was set back', async () => {
    const clock = { ...systemClock, aheadMs: 30 * 86_400_000, nowMs: () => Date.now() + clock.aheadMs };
    const desk = await fresh({ admission: noWork, clock });
    const candidate = await desks.kit.candidate(5);
    const time = new Date(clock.nowMs()).toISOString();
    await failing('manifest-unproven', candidate, { request: { time }, lie: () => [nonsense] });
    await failing('admission-throttled', candidate, { request: { time: new Date(clock.nowMs()).toISOString() } });
    clock.aheadMs = 0;
    await candidate.begin(desk);
  });

  it('counts a packet that nobody answers', async () => {
    const desk = await fresh({ admission: noWork });
    const [one, other] = [await desks.kit.candidate(5), await desks.kit.candidate(6)];
    await one.begin(desk);
    desk.ahead.ms += 2_001;
    // Whoever comes next finds it.
    await other.begin(desk, { caller: '198.51.100.7' });
    const [outcome] = await until('it is kept', async () => {
      const all = await desk.store.outcomes({ limit: 2 });
      return all.length > 0 && all;
    });
    expect(outcome).to.include({ candidate: one.address, code: 'answer-late', outcome: 'failed' });
  });

  it('has room for sixteen sessions, eight of one network', async () => {
    const desk = await fresh({ admission: noWork });
    const begin = async (caller: string) => {
      const key = randomBytes(32);
      const { address } = localSigner(key, crypto);
      const candidate = await desks.kit.candidate(5);
      const request = { ...candidate.request(desk.parts.signer.address), candidate: address };
      const body = await candidate.signed(request, key);
      return await desk.desk.begin(body, caller);
    };
    for (let index = 0; index < 8; index++) await begin('203.0.113.9');
    await expectCode('admission-throttled', begin('203.0.113.10'));
    for (let index = 8; index < 16; index++) await begin('2001:db8::1');
    await expectCode('admission-throttled', begin('198.51.100.7'));
    desk.ahead.ms += 2_001;
    await begin('198.51.100.7');
  });
});
