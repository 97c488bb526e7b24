import { expect } from 'chai';
import { Renewal, type RenewalParts } from '../../../../services/app/admission/Renewal.ts';
import { Problems } from '../../../../services/app/Problems.ts';
import type { RegistryNode } from '../../../../services/chain/RegistryNode.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import { type RunningChain, startChain } from '../../../support/chains.ts';
import { type HttpTest, startHttpTest, stopHttpTests } from '../../../support/httpTest.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { until } from '../../../support/until.ts';
import { type AdmissionKit, admissionKit } from './admissionKit.ts';

const renewSeconds = 3_600;

describe('Renewal', () => {
  let running: RunningChain;
  let kit: AdmissionKit;
  let http: HttpTest;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let renewal: Renewal | undefined;
  let problems: Problems;
  before(async () => {
    running = await startChain({ kind: 'anvil' });
    kit = await admissionKit(running.rpcUrl, {
      centres: 2,
      admission: { renewSeconds },
      settings: { firstWaitMs: 1, attemptsPerDay: 1_000 },
    });
    http = await startHttpTest();
    Object.assign(http.centre, { admission: kit.desks[0]!.desk });
    folder = await temporaryFolder();
  });
  beforeEach(() => {
    problems = new Problems();
  });
  afterEach(async () => {
    await renewal?.close();
  });
  after(async () => {
    await stopHttpTests();
    await kit?.dispose();
    await running?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  /** Starts it at the second centre; the first one has its API at the address of the test. */
  const start = async (
    passedSecondsAgo: number,
    endpoint = http.url,
    changes: Partial<Pick<RenewalParts, 'clock' | 'logger'>> = {},
  ): Promise<void> => {
    const { parts } = kit.desks[1]!;
    await parts.store.setMeta('renewal-passed', String(Math.max(0, Math.floor(Date.now() - 1000 * passedSecondsAgo))));
    const own = parts.signer.address;
    const nodes: RegistryNode[] = (await kit.chain.nodes())
      .filter(({ status }) => status === 'active')
      .map((node) => (node.address === own ? node : { ...node, endpoint }));
    // Only the first two are opened.
    const known = nodes.filter(({ address }) => kit.desks.some((desk) => desk.parts.signer.address === address));
    const registry = { active: () => known, others: () => known.filter(({ address }) => address !== own) };
    renewal = new Renewal(
      { ...parts, registry: registry as unknown as typeof parts.registry, problems, ...changes },
      { folder: folder.path, lookMs: 20, firstWaitMs: 20 },
    );
    renewal.start();
  };
  const renewed = async (): Promise<string[]> => {
    const candidate = kit.desks[1]!.parts.signer.address;
    const { items } = await kit.desks[0]!.desk.outcomes({ candidate, limit: 50 });
    return items.map(({ purpose, outcome }) => `${purpose} ${outcome}`);
  };

  it('waits for two thirds of the time', async () => {
    await start(renewSeconds / 2);
    await renewal!.close();
    expect(await renewed()).to.deep.equal([]);
  });

  it('then passes a session, and is done', async () => {
    await start((2 / 3) * renewSeconds + 1);
    await until('the session', async () => (await renewed()).length === 1);
    expect(await renewed()).to.deep.equal(['renewal passed']);
    const { store } = kit.desks[1]!.parts;
    const kept = await until('it to be kept', async () => {
      const ms = Number(await store.getMeta('renewal-passed'));
      return ms > Date.now() - 60_000 && ms;
    });
    expect(kept).to.be.at.most(Date.now());
    expect(problems.list()).to.deep.equal([]);
  });

  it('has a problem while it is below the minimum, and tries again until it passes', async () => {
    const { rules } = kit;
    await kit.govern('setAdmissionRules', { ...rules, minHashesPerSecond: 100_000_000 });
    await start(renewSeconds);
    const detail = await until(
      'the problem',
      () => problems.list().find(({ code }) => code === 'centre-below-minimum')?.detail,
    );
    expect(detail).to.contain('answer-late').and.contain('hashing');
    await kit.govern('setAdmissionRules', rules);
    await until('it to pass', () => !problems.has('centre-below-minimum'));
    expect((await renewed())[0]).to.equal('renewal passed');
  });

  it('has none while nobody answers a centre that was never looked at: it has as long from now on', async () => {
    let failures = 0;
    const logger = { ...silentLogger, warn: () => void failures++ };
    await start(Date.now() / 1000 + 1, 'http://127.0.0.1:9', { logger: logger as never });
    await until('some attempts', () => failures >= 3);
    expect(problems.list()).to.deep.equal([]);
  });

  it('has one too when the time is over and no authenticator answers', async () => {
    await start(renewSeconds + 1, 'http://127.0.0.1:9');
    const found = await until('the problem', () => problems.list().find(({ code }) => code === 'centre-below-minimum'));
    expect(found.detail).to.contain('server-unreachable');
  });

  it('does so too where it has passed at a time that is still to come: its clock was set back', async () => {
    const before = (await renewed()).length;
    await start(-30 * 86_400);
    await until('the session', async () => (await renewed()).length > before);
    expect((await renewed())[0]).to.equal('renewal passed');
  });

  it('waits an hour at most, whatever an authenticator says, and not at all where its clock was set back', async () => {
    const { desk } = kit.desks[0]!;
    const begin = async (): Promise<never> => {
      throw new NotariumError('admission-throttled', undefined, { data: { retryAt: '9999-12-31T23:59:59.000Z' } });
    };
    Object.assign(http.centre, { admission: { ...desk, begin } });
    const clock = { ...systemClock, aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
    // Told of when the time of the next attempt is set: the clock must not change before.
    let failed = 0;
    const logger = { ...silentLogger, warn: () => void failed++ };
    try {
      await start(renewSeconds, http.url, { clock, logger });
      await until('the first attempt', () => failed === 1);
      clock.aheadMs = 10_000_000;
      await until('the second', () => failed === 2);
      clock.aheadMs = 0;
      await until('the third', () => failed === 3);
    } finally {
      Object.assign(http.centre, { admission: desk });
    }
  });
});
