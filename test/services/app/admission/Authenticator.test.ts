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
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type JoinOptions, type KitCandidate, type Lie, noWork } from './admissionKit.ts';
import { freshDesks } from './freshDesks.ts';

const nonsense: Hash = `0x${'77'.repeat(32)}` as const;

describe('an authenticator', () => {
  const desks = freshDesks();
  const { fresh } = desks;

  it('attests who does all the work, and puts that into the log', async () => {
    const desk = await fresh();
    const candidate = await desks.kit.candidate(5);
    const { report, attestation } = await candidate.join(desk);
    const { hash } = sealedReport(report);
    const { application, authenticator, signature } = attestation!;
    const { rules, manifest } = desks.kit;
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
    const { registry } = desks.kit.chain.admission;
    const digest = attestationDigest(registry, candidate.address, candidate.entry, application);
    expect(recoverAddress(crypto, digest, fromHex(signature))).to.equal(devAddress(0));
    expect((await desk.store.findRecord(recordIdBytes(outcomeRecord(report, hash))))?.where).to.equal('pool');
    expect(await desk.store.hasContent(hash)).to.equal(true);
  });

  const failing = (code: ErrorCode, candidate: KitCandidate, options: JoinOptions) =>
    expectCode(code, candidate.join(desks.kit.desks[0]!, options));
  const only =
    (check: Check, values: (right: readonly Hash[]) => readonly Hash[]): Lie =>
    (packet, right) =>
      packet.check === check ? values(right) : right;

  it('refuses who answers late, partly, or what is wrong, with the check and the figures, and tells the log', async () => {
    // Each failure would make the next one wait.
    const desk = await fresh({ settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await desks.kit.candidate(5);
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
    const candidate = await desks.kit.candidate(5);
    const made = (values: readonly Hash[], every: number): Hash[] =>
      values.map((value, at) => (at % every === 0 ? value : toHex(randomBytes(32))));
    // One in 65,536 comes through; seven of eight passes for certain not.
    await failing('answer-wrong', candidate, { lie: only('hashing', (values) => made(values, 2)) });
    await failing('answer-wrong', candidate, { lie: only('memory', (values) => made(values, 8)) });
  });

  it('takes nothing that was computed for another candidate, nonce or manifest', async () => {
    const desk = await fresh({ admission: noWork, settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const [one, other] = [await desks.kit.candidate(5), await desks.kit.candidate(6)];
    const { manifest } = desks.kit;
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
    const candidate = await desks.kit.candidate(5);
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

  it('refuses a request with a wrong form, time, network, authenticator or signature, which count against no candidate', async () => {
    const desk = await fresh({ admission: noWork });
    const candidate = await desks.kit.candidate(5);
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
    const { data } = await failing('application-refused', await desks.kit.candidate(1), {});
    expect(data).to.deep.equal({ status: 'active' });
    const stranger = await desks.kit.candidate(5);
    await failing('application-refused', stranger, { request: { purpose: 'renewal' } });
    await desks.kit.govern('ban', stranger.address);
    await failing('application-refused', stranger, {});
    const renewed = await (await desks.kit.candidate(1)).join(desk, { request: { purpose: 'renewal' } });
    expect(renewed.attestation).to.equal(undefined);
    await desks.kit.govern('setAdmissionRules', { ...desks.kit.rules, attestations: 0 });
    await failing('admission-closed', await desks.kit.candidate(6), {});
    await desks.kit.govern('setAdmissionRules', { ...desks.kit.rules, memoryMiB: 4_096, minMemoryPassesPerMinute: 10 });
    const rules = await failing('admission-rules-unusable', await desks.kit.candidate(6), {});
    expect(rules.data).to.deep.equal({ field: 'memoryMiB', have: 4_096, want: 2_048 });
  });

  it('refuses who is too slow, and a profile that contradicts what was measured', async () => {
    const admission = { ...noWork, minHashesPerSecond: 1_000 };
    const desk = await fresh({ admission, settings: { firstWaitMs: 0, attemptsPerDay: 1_000 } });
    const candidate = await desks.kit.candidate(5);
    const slowly: Lie = (packet, right) => {
      if (packet.check === 'hashing') desk.ahead.ms += 2_000;
      return right;
    };
    const slow = await failing('candidate-too-slow', candidate, { lie: slowly });
    expect(slow.data).to.deep.include({ check: 'hashing', want: 1_000, unit: 'hashes/s' });
    // Half of the minimum, or less where this machine needs time besides.
    expect(slow.data.have).to.be.within(1, 520);
    const boast = { software: 'notarium 0.1.0', hashesPerSecond: 1e11 };
    const boasted = await failing('profile-contradicts', candidate, { request: { reported: boast } });
    expect(boasted.data).to.deep.include({ field: 'hashesPerSecond', have: 1e11 });
    await desks.kit.govern('setAdmissionRules', { ...desks.kit.rules, minScore: 10_001 });
    const scored = await failing('candidate-too-slow', candidate, {});
    expect(scored.data).to.deep.include({ want: 10_001, unit: 'score' });
  });

  it('signs the very application that another authenticator has attested', async () => {
    const desk = await fresh({ centres: 2, admission: { minWrittenMiBPerSecond: 0, minReadMiBPerSecond: 0 } });
    const second = desks.kit.desks[1]!;
    const candidate = await desks.kit.candidate(5);
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
    await desks.kit.govern('setAdmissionRules', { ...desks.kit.rules, attestations: 2 });
    const applicant = await desks.kit.open({ signer: localSigner(devKey(5), crypto) });
    const signatures = [attestation!, confirmed.attestation!].map(({ authenticator: address, signature }) => ({
      address,
      signature: fromHex(signature),
    }));
    await applicant.admission.applyFor(attestation!.application, packAttestations(signatures));
    expect((await desks.kit.chain.admission.node(candidate.address)).status).to.equal('candidate');
    applicant.close();
    const soon = await expectCode('application-early', candidate.begin(desk));
    expect(soon.data.want).to.equal(Number(soon.data.have) + Number(soon.data.retryAfterSeconds));
  });
});
