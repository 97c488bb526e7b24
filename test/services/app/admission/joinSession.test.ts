import { expect } from 'chai';
import type { AdmissionDesk } from '../../../../services/app/admission/AdmissionDesk.ts';
import { joinSession, type SessionProgress } from '../../../../services/app/admission/joinSession.ts';
import type { SessionParts } from '../../../../services/app/admission/SessionParts.ts';
import { Work } from '../../../../services/app/admission/work/Work.ts';
import { type PacketOf, workLimits } from '../../../../services/core/admission/packet.ts';
import type { SessionAnswer } from '../../../../services/core/admission/sessionAnswer.ts';
import { utf8 } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { localSigner } from '../../../../services/lib/localSigner.ts';
import { devAddress, devKey, type RunningChain, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { crypto } from '../../chain/chainKit.ts';
import { type AdmissionKit, admissionKit, type KitCandidate } from './admissionKit.ts';

/** Changes what the authenticator has answered; the first packet, the second one, or the end. */
type Lie = (answer: SessionAnswer) => unknown;

describe('joinSession', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  let http: HttpTest;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let work: Work;
  let lie: Lie | undefined;
  let place = 4;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await admissionKit(running.rpcUrl, { settings: { firstWaitMs: 1, longestWaitMs: 1, attemptsPerDay: 1_000 } });
    http = await startHttpTest();
    const { desk } = kit.desks[0]!;
    const told = (answer: SessionAnswer): SessionAnswer => (lie ? (lie(answer) as SessionAnswer) : answer);
    const lying: Partial<AdmissionDesk> = {
      authenticator: () => desk.authenticator(),
      begin: async (...all) => told(await desk.begin(...all)),
      answer: async (...all) => told(await desk.answer(...all)),
    };
    Object.assign(http.centre, { admission: lying });
    folder = await temporaryFolder();
    work = new Work({ folder: folder.path });
  });
  after(async () => {
    await work?.close();
    await stopHttpTests();
    await kit?.dispose();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });
  afterEach(() => {
    lie = undefined;
  });

  /** A candidate of its own for each session. */
  const session = async (
    changes: Partial<SessionParts> = {},
    options: { signal?: AbortSignal; onProgress?: (progress: SessionProgress) => void } = {},
  ) => {
    place = place === 8 ? 5 : place + 1;
    const { chain, manifest } = kit;
    const candidate: KitCandidate = await kit.candidate(place);
    const { registry, node } = chain.admission;
    const parts: SessionParts = {
      ...{ registry, node, manifest, rules: kit.rules, crypto, work, clock: systemClock },
      network: networkName(chain.info.network),
      signer: localSigner(devKey(place), crypto),
      ...changes,
    };
    const { entry } = candidate;
    const asked = { purpose: 'join', entry, statement: 'hello', reported: { software: 'test' } } as const;
    return await joinSession(parts, http.url, asked, options);
  };

  it('answers packet after packet, tells how far it is, and gives what was attested', async () => {
    const seen: SessionProgress[] = [];
    const { authenticator, report, attestation } = await session({}, { onProgress: (at) => seen.push(at) });
    expect(authenticator).to.equal(devAddress(0));
    expect(report).to.deep.include({ statement: 'hello', candidate: devAddress(place) });
    expect(attestation?.authenticator).to.equal(authenticator);
    const begun = seen.filter(({ done }) => done === 0).map(({ packet, check }) => `${packet} ${check}`);
    expect(begun).to.deep.equal(['1 manifest', '2 hashing', '3 hashing', '4 memory', '5 disk-write', '6 disk-read']);
    expect(new Set(seen.map(({ packets }) => packets))).to.deep.equal(new Set([6]));
  });

  it('says why it is refused, and where it came from', async () => {
    const forged = { ...kit.manifest, bytes: utf8('{}') };
    const { data } = await expectCode('manifest-unproven', session({ manifest: forged }));
    expect(data).to.deep.include({ check: 'manifest', location: { network: '127.0.0.0/8 (loopback)' } });
    expect(data.retryAt).to.match(/^20.+Z$/);
  });

  it('asks nobody whom the registry does not list', async () => {
    const node = async () => ({ isAuthenticator: false, appliedAt: 0 });
    const { data } = await expectCode('authenticator-missing', session({ node }));
    expect(data.authenticator).to.equal(devAddress(0));
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({ packet }: SessionProgress): void => void (packet === 2 && stop.abort(reason));
    const thrown = await session({}, { signal: stop.signal, onProgress }).catch((error: unknown) => error);
    expect(thrown).to.equal(reason);
  });

  const asked = (change: (answer: Extract<SessionAnswer, { packet: unknown }>) => object): Lie => {
    return (answer) => ('packet' in answer && answer.packet.index === 1 ? { ...answer, ...change(answer) } : answer);
  };
  const passed = (change: (answer: Extract<SessionAnswer, { report: unknown }>) => object): Lie => {
    return (answer) => ('report' in answer ? { ...answer, ...change(answer) } : answer);
  };
  const attested = (changes: object): Lie =>
    passed(({ attestation }) => ({
      attestation: { ...attestation, application: { ...attestation!.application, ...changes } },
    }));
  const hash = `0x${'12'.repeat(32)}`;
  const lies: Record<string, Lie> = {
    'work beyond the bounds': asked(({ packet }) => ({
      packet: { ...packet, checkpointEvery: workLimits.iterations + 1 },
    })),
    'more work than the rules ask for': asked(({ packet }) => {
      const { checkpointEvery } = packet as PacketOf<'hashing'>;
      return { packet: { ...packet, checkpointEvery: checkpointEvery + 1 } };
    }),
    'other work than the rules ask for': asked(({ packet: { index, nonce, windowMs } }) => ({
      packet: { check: 'memory', index, nonce, windowMs, memoryMiB: 1, passes: 1 },
    })),
    'a packet that is not the next': asked(({ packet }) => ({ packet: { ...packet, index: 2 } })),
    'another number of packets': asked(({ packets }) => ({ packets: packets + 1 })),
    'a session with another name': asked(() => ({ session: 'a'.repeat(22) })),
    'a reading of what was not written': asked(({ packet: { index, nonce, windowMs } }) => ({
      packet: { check: 'disk-read', index, nonce, windowMs },
    })),
    'more than fits': asked(() => ({ more: 'x'.repeat(300_000) })),
    'another statement': passed(({ report }) => ({ report: { ...report, statement: 'bye' } })),
    'other reported figures': passed(({ report }) => ({ report: { ...report, reported: { software: 'other' } } })),
    'other measured figures': passed(({ report }) => ({
      report: { ...report, measured: { ...report.measured, hashesPerSecond: 1 } },
    })),
    'no attestation': passed(() => ({ attestation: undefined })),
    'another digest': attested({ profileDigest: hash }),
    'another entry': attested({ entryHash: hash }),
    'another manifest': attested({ manifestHash: hash }),
    'another score': attested({ score: 1 }),
    'a time that is over': attested({ expiry: 1 }),
    'another nonce': attested({ nonce: 1 }),
    'a time that it has not signed': attested({ expiry: 2 ** 40 }),
    'the signature of nobody': passed(({ attestation }) => ({
      attestation: { ...attestation, signature: `0x${'00'.repeat(64)}` },
    })),
  };
  for (const [what, told] of Object.entries(lies)) {
    it(`refuses ${what}`, async () => {
      lie = told;
      await expectCode('server-answer-invalid', session());
    });
  }
});
