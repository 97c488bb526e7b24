import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { attestationDigest, entryHashOf, packAttestations } from '../../../../services/core/admission/attestation.ts';
import type { JoinRequest } from '../../../../services/core/admission/joinRequest.ts';
import { readManifest } from '../../../../services/core/admission/manifest.ts';
import { outcomeRecord } from '../../../../services/core/admission/outcomeRecord.ts';
import { type Check, type Packet, seedOf } from '../../../../services/core/admission/packet.ts';
import {
  type AdmissionRefusal,
  admissionRefusalSchema,
  sealedReport,
} from '../../../../services/core/admission/report.ts';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import { recordIdBytes } from '../../../../services/core/record.ts';
import { recoverAddress } from '../../../../services/core/signature.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { crypto } from '../../chain/chainKit.ts';
import {
  type AdmissionKit,
  admissionKit,
  type JoinOptions,
  type KitCandidate,
  type Lie,
  noWork,
} from './admissionKit.ts';

const nonsense: Hash = `0x${'77'.repeat(32)}` as const;

describe('an authenticator', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
  });
  after(() => running.stop());
  afterEach(() => kit.dispose());
  const fresh = async (options?: Parameters<typeof admissionKit>[1]) => {
    kit = await admissionKit(running.rpcUrl, options);
    return kit.desks[0]!;
  };

  it('attests who does all the work, and puts that into the log', async () => {
    const desk = await fresh();
    const candidate = await kit.candidate(5);
    const { report, attestation } = await candidate.join(desk);
    const { hash } = sealedReport(report);
    const { application, authenticator, signature } = attestation!;
    const { rules, manifest } = kit;
    expect(authenticator).to.equal(devAddress(0));
    expect(application).to.deep.include({
      entryHash: entryHashOf(candidate.entry),
      manifestHash: manifest.hash,
      profileDigest: hash,
      score: report.score,
      nonce: 0,
    });
    expect(report).to.deep.include({
      candidate: candidate.address,
      location: { country: 'AU', network: '203.0.113.0/24' },
    });
    expect(report.score).to.be.at.least(rules.minScore);
    const { registry } = kit.chain.admission;
    const digest = attestationDigest(registry, candidate.address, candidate.entry, application);
    expect(recoverAddress(crypto, digest, fromHex(signature))).to.equal(devAddress(0));
    expect((await desk.store.findRecord(recordIdBytes(outcomeRecord(report, hash))))?.where).to.equal('pool');
    expect(await desk.store.hasContent(hash)).to.equal(true);
  });

  const failing = (code: ErrorCode, candidate: KitCandidate, options: JoinOptions) =>
    expectCode(code, candidate.join(kit.desks[0]!, options));
  const only =
    (check: Check, values: (right: readonly Hash[]) => readonly Hash[]): Lie =>
    (packet, right) =>
      packet.check === check ? values(right) : right;

  it('refuses who answers late, partly, or what is wrong, with the check and the figures, and tells the log', async () => {
    // Each failure would make the next one wait.
    const desk = await fresh({ settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await kit.candidate(5);
    const lies: [ErrorCode, Check, Lie][] = [
      ['manifest-unproven', 'manifest', only('manifest', () => [nonsense])],
      ['answer-incomplete', 'hashing', only('hashing', (values) => values.slice(1))],
      ['answer-incomplete', 'hashing', only('hashing', (values) => [...values, nonsense])],
      ['answer-wrong', 'hashing', only('hashing', (values) => values.map(() => nonsense))],
      ['answer-wrong', 'memory', only('memory', (values) => values.map(() => nonsense))],
      ['answer-wrong', 'disk-write', only('disk-write', () => [nonsense])],
      ['answer-wrong', 'disk-read', only('disk-read', (values) => values.map(() => nonsense))],
      [
        'answer-late',
        'memory',
        (packet, right) => {
          if (packet.check === 'memory') desk.ahead.ms += packet.windowMs;
          return right;
        },
      ],
    ];
    for (const [code, check, lie] of lies) {
      const { data } = await failing(code, candidate, { lie });
      expect(data, code).to.include({ check });
      expect(data.location).to.deep.equal({ country: 'AU', network: '203.0.113.0/24' });
      const [outcome] = await desk.store.outcomes({ limit: 1 });
      const refusal = admissionRefusalSchema.parse(JSON.parse(outcome!.document));
      expect(refusal).to.include({ code, check, candidate: candidate.address, purpose: 'join' });
      const { hash } = sealedReport(refusal);
      expect(outcome).to.include({ documentHash: hash, code, isRecorded: true, network: '203.0.113.0/24' });
      const id = recordIdBytes(outcomeRecord(refusal, hash));
      expect((await desk.store.findRecord(id))?.where).to.equal('pool');
      // Where somebody comes from, and what he says, is not for everybody to fetch.
      expect(await desk.store.hasContent(hash)).to.equal(false);
      expect(await desk.store.evidence.has(fromHex(hash))).to.equal(true);
    }
    const [late] = await desk.store.outcomes({ limit: 1 });
    const { have, want, unit } = JSON.parse(late!.document) as AdmissionRefusal;
    expect(have).to.be.below(want!);
    expect({ want, unit }).to.deep.equal({ want: 60, unit: 'passes/min' });
  });

  it('finds out who skips half of the stretches, or seven of eight passes', async () => {
    await fresh({ settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await kit.candidate(5);
    const made = (values: readonly Hash[], every: number): Hash[] =>
      values.map((value, at) => (at % every === 0 ? value : toHex(randomBytes(32))));
    // One in 65,536 comes through; seven of eight passes for certain not.
    await failing('answer-wrong', candidate, { lie: only('hashing', (values) => made(values, 2)) });
    await failing('answer-wrong', candidate, { lie: only('memory', (values) => made(values, 8)) });
  });

  it('takes nothing that was computed for another candidate, nonce or manifest', async () => {
    const desk = await fresh({ admission: noWork, settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const [one, other] = [await kit.candidate(5), await kit.candidate(6)];
    const { manifest } = kit;
    const wrong: ((packet: Packet) => Uint8Array)[] = [
      (packet) => seedOf(packet, manifest.bytes, other.address),
      (packet) => seedOf({ ...packet, nonce: toHex(randomBytes(32)) }, manifest.bytes, one.address),
      (packet) => seedOf(packet, readManifest({ ...manifest.manifest, agreement: 'cheat' }).bytes, one.address),
      // By the hash alone.
      (packet) => seedOf(packet, fromHex(manifest.hash), one.address),
    ];
    for (const seed of wrong) {
      await failing('manifest-unproven', one, { lie: (packet) => [toHex(seed(packet))] });
    }
    await one.join(desk);
  });

  it('takes an answer once, and that of the packet alone', async () => {
    const desk = await fresh({ settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await kit.candidate(5);
    const { session, packet } = await candidate.begin(desk);
    const first = JSON.stringify(candidate.work(packet));
    const both = await Promise.allSettled([desk.desk.answer(session, first), desk.desk.answer(session, first)]);
    const [next] = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(both.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    expect(next).to.include({ session });
    const { data } = await expectCode('answer-incomplete', desk.desk.answer(session, first));
    expect(data).to.include({ check: 'hashing', index: 1 });
    await expectCode('session-unknown', desk.desk.answer(session, first));
  });

  it('leaves one session to a candidate; a new one ends the old, and that does not count', async () => {
    const desk = await fresh();
    const candidate = await kit.candidate(5);
    const first = await candidate.begin(desk);
    const second = await candidate.begin(desk);
    await expectCode('session-unknown', desk.desk.answer(first.session, JSON.stringify(candidate.work(first.packet))));
    await desk.desk.answer(second.session, JSON.stringify(candidate.work(second.packet)));
    expect(await desk.store.outcomes({ limit: 1 })).to.deep.equal([]);
  });

  it('lets nobody hold places by beginning anew', async () => {
    const desk = await fresh({ admission: noWork });
    const candidate = await kit.candidate(5);
    for (let count = 0; count <= 20; count++) await candidate.begin(desk);
    const { data } = await expectCode('admission-throttled', candidate.begin(desk));
    expect(data.retryAfterSeconds).to.be.within(1, 5);
    await (await kit.candidate(6)).begin(desk, { caller: '198.51.100.7' });
    desk.ahead.ms += 5_000;
    await candidate.begin(desk);
  });

  it('counts a session that is given up for another one after work was given out in it', async () => {
    const desk = await fresh({ admission: { ...noWork, minHashesPerSecond: 1_000 } });
    const candidate = await kit.candidate(5);
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
    const candidate = await kit.candidate(5);
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
    const candidate = await kit.candidate(5);
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
    const candidate = await kit.candidate(5);
    const { session, packet } = await candidate.begin(desk);
    await desk.restart();
    await expectCode('session-unknown', desk.desk.answer(session, JSON.stringify(candidate.work(packet))));
    const unproven: JoinOptions = { lie: only('manifest', () => [nonsense]) };
    const { data } = await failing('manifest-unproven', candidate, unproven);
    await desk.restart();
    const again = await failing('admission-throttled', candidate, {});
    expect(again.data).to.include({ retryAt: data.retryAt });
    expect(again.data.retryAfterSeconds).to.be.within(25, 30);
    // From the same network nobody, from another one any other.
    await failing('admission-throttled', await kit.candidate(6), { caller: '203.0.113.200' });
    await (await kit.candidate(6)).begin(desk, { caller: '198.51.100.7' });
    await failing('admission-throttled', candidate, { caller: '198.51.100.7' });
    await desk.restart({ firstWaitMs: 0 });
    await candidate.begin(desk);
  });

  it('lets a candidate wait twice as long after each failure, and until tomorrow after so many', async () => {
    const desk = await fresh({ admission: noWork, settings: { firstWaitMs: 0 } });
    const candidate = await kit.candidate(5);
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
    const candidate = await kit.candidate(5);
    const time = new Date(clock.nowMs()).toISOString();
    await failing('manifest-unproven', candidate, { request: { time }, lie: () => [nonsense] });
    await failing('admission-throttled', candidate, { request: { time: new Date(clock.nowMs()).toISOString() } });
    clock.aheadMs = 0;
    await candidate.begin(desk);
  });

  it('counts a packet that nobody answers', async () => {
    const desk = await fresh({ admission: noWork });
    const [one, other] = [await kit.candidate(5), await kit.candidate(6)];
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
      const candidate = await kit.candidate(5);
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

  it('refuses a request with a wrong form, time, network, authenticator or signature, which count against no candidate', async () => {
    const desk = await fresh({ admission: noWork });
    const candidate = await kit.candidate(5);
    const own = desk.parts.signer.address;
    const zero = `0x${'00'.repeat(32)}` as const;
    const at = (ms: number) => ({ time: new Date(Date.now() + ms).toISOString() });
    const wrong: [string, Partial<JoinRequest>][] = [
      ['request.network', { network: `eip155:1:${own}` }],
      ['request.authenticator', { authenticator: candidate.address }],
      ['request.candidate', { candidate: own }],
      ['request.time', at(-301_000)],
      ['request.time', at(301_000)],
      ['request.entry.name', { entry: { ...candidate.entry, name: ' ' } }],
      ['request.entry.endpoint', { entry: { ...candidate.entry, endpoint: 'ftp://example.org' } }],
      ['request.entry.endpoint', { entry: { ...candidate.entry, endpoint: 'https://u:p@example.org' } }],
      ['request.entry.encryptionKey', { entry: { ...candidate.entry, encryptionKey: zero } }],
      ['request.entry.noteKey', { entry: { ...candidate.entry, noteKey: zero } }],
      ['request.statement', { statement: 'x'.repeat(4_001) }],
    ];
    for (const [field, changes] of wrong) {
      const body = await candidate.signed({ ...candidate.request(own), ...changes });
      const { data } = await expectCode('join-invalid', desk.desk.begin(body, '198.51.100.1'));
      expect(data.field, field).to.equal(field);
    }
    const stolen = await candidate.signed(candidate.request(own), devKey(6));
    const { data } = await expectCode('join-invalid', desk.desk.begin(stolen, '198.51.100.1'));
    expect(data.field).to.equal('signature');
    await expectCode('json-malformed', desk.desk.begin('{', '198.51.100.1'));
    const used = await candidate.signed(candidate.request(own));
    await desk.desk.begin(used, '198.51.100.1');
    await expectCode('join-invalid', desk.desk.begin(used, '198.51.100.1'));
    for (let count = 0; count < 6; count++) await expectCode('json-malformed', desk.desk.begin('{', '198.51.100.1'));
    await expectCode('admission-throttled', desk.desk.begin('{', '198.51.100.99'));
    await candidate.join(desk);
  });

  it('challenges nobody who could not apply, and for a renewal active centres alone', async () => {
    const desk = await fresh({ admission: noWork, settings: { firstWaitMs: 0 } });
    const { data } = await failing('application-refused', await kit.candidate(1), {});
    expect(data).to.deep.equal({ status: 'active' });
    const stranger = await kit.candidate(5);
    await failing('application-refused', stranger, { request: { purpose: 'renewal' } });
    await kit.govern('ban', stranger.address);
    await failing('application-refused', stranger, {});
    const renewed = await (await kit.candidate(1)).join(desk, { request: { purpose: 'renewal' } });
    expect(renewed.attestation).to.equal(undefined);
    await kit.govern('setAdmissionRules', { ...kit.rules, attestations: 0 });
    await failing('admission-closed', await kit.candidate(6), {});
    await kit.govern('setAdmissionRules', { ...kit.rules, memoryMiB: 4_096, minMemoryPassesPerMinute: 10 });
    const rules = await failing('admission-rules-unusable', await kit.candidate(6), {});
    expect(rules.data).to.deep.equal({ field: 'memoryMiB', have: 4_096, want: 2_048 });
  });

  it('refuses who is too slow, and a profile that contradicts what was measured', async () => {
    const admission = { ...noWork, minHashesPerSecond: 1_000 };
    const desk = await fresh({ admission, settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await kit.candidate(5);
    const slowly: Lie = (packet, right) => {
      if (packet.check === 'hashing') desk.ahead.ms += 2_000;
      return right;
    };
    const slow = await failing('candidate-too-slow', candidate, { lie: slowly });
    expect(slow.data).to.deep.include({ check: 'hashing', want: 1_000, unit: 'hashes/s' });
    expect(slow.data.have).to.be.within(400, 600);
    const boast = { software: 'notarium 0.1.0', hashesPerSecond: 1e11 };
    const boasted = await failing('profile-contradicts', candidate, { request: { reported: boast } });
    expect(boasted.data).to.deep.include({ field: 'hashesPerSecond', have: 1e11 });
    await kit.govern('setAdmissionRules', { ...kit.rules, minScore: 10_001 });
    const scored = await failing('candidate-too-slow', candidate, {});
    expect(scored.data).to.deep.include({ want: 10_001, unit: 'score' });
  });

  it('signs the very application that another authenticator has attested', async () => {
    const desk = await fresh({ centres: 2, admission: { minWrittenMiBPerSecond: 0, minReadMiBPerSecond: 0 } });
    const second = kit.desks[1]!;
    const candidate = await kit.candidate(5);
    const { report, attestation } = await candidate.join(desk);
    const { expiry } = attestation!.application;
    const confirms = { report, expiry };
    // Its record has not come over yet.
    const early = await expectCode('join-invalid', candidate.join(second, { request: { confirms } }));
    expect(early.data.field).to.equal('request.confirms.report');
    const [outcome] = await desk.store.outcomes({ limit: 1 });
    await second.parts.accept([outcome!.entry]);
    const wrong: [string, JoinRequest['confirms']][] = [
      ['request.confirms.report.score', { report: { ...report, score: report.score - 1 }, expiry }],
      ['request.confirms.report.candidate', { report: { ...report, candidate: devAddress(6) }, expiry }],
      [
        'request.confirms.report.manifestHash',
        { report: { ...report, manifestHash: entryHashOf(candidate.entry) }, expiry },
      ],
      ['request.confirms.report.authenticator', { report: { ...report, authenticator: devAddress(7) }, expiry }],
      ['request.confirms.report.entry', { report: { ...report, entry: { ...report.entry, name: 'X' } }, expiry }],
      ['request.confirms.report', { report: { ...report, statement: 'another' }, expiry }],
      ['request.confirms.expiry', { report, expiry: expiry + 86_400 }],
      ['request.confirms.expiry', { report, expiry: 5 }],
    ];
    for (const [field, other] of wrong) {
      const { data } = await expectCode('join-invalid', candidate.begin(second, { request: { confirms: other } }));
      expect(data.field).to.equal(field);
    }
    const confirmed = await candidate.join(second, { request: { confirms } });
    expect(confirmed.report).to.deep.equal(report);
    expect(confirmed.attestation!.application).to.deep.equal(attestation!.application);
    expect(confirmed.attestation!.authenticator).to.equal(devAddress(1));
    await kit.govern('setAdmissionRules', { ...kit.rules, attestations: 2 });
    const applicant = await kit.open({ signer: localSigner(devKey(5), crypto) });
    const signatures = [attestation!, confirmed.attestation!].map(({ authenticator: address, signature }) => ({
      address,
      signature: fromHex(signature),
    }));
    await applicant.admission.applyFor(attestation!.application, packAttestations(signatures));
    expect((await kit.chain.admission.node(candidate.address)).status).to.equal('candidate');
    applicant.close();
    const soon = await expectCode('application-early', candidate.begin(desk));
    expect(soon.data.want).to.equal(Number(soon.data.have) + Number(soon.data.retryAfterSeconds));
  });
});
